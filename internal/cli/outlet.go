package cli

import (
	"io"
	"time"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// outlet is where send sends to.
type outlet struct {
	writer  outletWriter
	conn    *pipe.Conn // the same, if there is a way back
	address string
	peer    *peerInfo
}

type outletWriter interface {
	io.WriteCloser
	SetWriteDeadline(time.Time) error
}
