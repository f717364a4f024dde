package cli

import (
	"io"
	"time"
)

// destination is where send sends to.
type destination struct {
	writer  deadlineWriter
	conn    streamConn // the same, if there is a way back
	address string
	peer    *peerInfo
}

type deadlineWriter interface {
	io.WriteCloser
	SetWriteDeadline(time.Time) error
}
