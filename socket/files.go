package socket

import (
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
)

// MaxFiles is how many files one call of [Conn.SendFiles] passes at most.
const MaxFiles = 253

// SendFiles writes all of p, which has at least one byte, and passes files with it: the
// other side gets descriptors of its own, for the same open files, from
// [Conn.ReceiveFiles]. What was sent is the other side's, also if this one closes its own.
// At most [MaxFiles] go at once. A receiver that reads the bytes by Read loses the files,
// and they are closed.
//
// It is for Unix sockets on Linux, and [errors.ErrUnsupported] elsewhere. When it fails
// after some of p was written, the files have gone with that.
func (c *Conn) SendFiles(p []byte, files ...*os.File) (int, error) {
	var err error
	switch {
	case !c.valid():
		err = errNoConn
	case !c.transport.local:
		err = errNoFiles
	case len(p) == 0:
		err = fmt.Errorf("files travel with bytes, and there is none (%w)", os.ErrInvalid)
	case len(files) > MaxFiles:
		err = fmt.Errorf("%d files, at most %d can be sent at once: %w", len(files), MaxFiles,
			&breezeway.TooLargeError{Size: uint64(len(files)), Max: MaxFiles})
	}
	if err != nil {
		return 0, c.fail(breezeway.OpSend, err)
	}
	n, err := c.sendFiles(p, files)
	return n, c.fail(breezeway.OpSend, c.explainWrite(err))
}

// ReceiveFiles reads up to len(p) bytes, and the files that came with them, of which the
// caller closes each. There may be none: bytes that were sent without files come first, and
// apart. The files are not inherited by children.
//
// most, 1 to [MaxFiles], bounds them. If more came all are closed, no bytes are returned
// although they are taken, and the error is [breezeway.ErrTooLarge]; close the connection
// then, since the other side doesn't do what was agreed on. Nothing is known of a file
// that another process passes: look at it before it is read or written, which may wait.
func (c *Conn) ReceiveFiles(p []byte, most int) (n int, files []*os.File, err error) {
	switch {
	case !c.valid():
		err = errNoConn
	case !c.transport.local:
		err = errNoFiles
	case len(p) == 0:
		err = fmt.Errorf("files travel with bytes, and there is no room for one (%w)", os.ErrInvalid)
	case most < 1 || most > MaxFiles:
		err = fmt.Errorf("%d files is not within 1 and %d (%w)", most, MaxFiles, os.ErrInvalid)
	}
	if err != nil {
		return 0, nil, c.fail(breezeway.OpReceive, err)
	}
	c.beginRead()
	n, files, err = c.receiveFiles(p, most)
	c.noteReset(explain(err))
	return n, files, c.fail(breezeway.OpReceive, err)
}
