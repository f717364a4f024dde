//go:build unix

package pipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/internal/watch"
	"golang.org/x/sys/unix"
)

// stream is the connected socket below a Conn.
type stream struct {
	*net.UnixConn
	frames *frames      // in message mode
	begun  atomic.Int32 // in byte mode: what the first bytes were
	reset  atomic.Bool  // the peer closed without having read everything
	ended  atomic.Bool  // this end writes no more
}

const (
	nothing int32 = iota
	plainBytes
	aPreface
)

func newStream(c *net.UnixConn, s *settings) (*stream, error) {
	st := &stream{UnixConn: c}
	if s.Message {
		st.frames = newFrames(c, s.MaxMessage)
	}
	err := st.restrict(s)
	if err != nil {
		c.Close()
		return nil, err
	}
	return st, nil
}

func (st *stream) restrict(s *settings) error {
	switch s.Direction {
	case In:
		if err := st.CloseWrite(); err != nil && !errors.Is(err, unix.ENOTCONN) {
			return err
		}
	case Out:
		if err := st.UnixConn.CloseRead(); err != nil && !errors.Is(err, unix.ENOTCONN) {
			return err
		}
	}
	if s.BufferSize > 0 {
		// A Unix socket's bytes are charged to its sender alone.
		return st.UnixConn.SetWriteBuffer(s.BufferSize)
	}
	return nil
}

func (st *stream) Read(p []byte) (int, error) {
	n, err := st.read(p)
	st.note(err)
	return n, err
}

func (st *stream) read(p []byte) (int, error) {
	if st.frames != nil {
		return st.frames.Read(p)
	}
	if st.begun.Load() == plainBytes {
		return st.UnixConn.Read(p)
	}
	return st.readFirst(p)
}

// readFirst keeps a byte-mode end from taking a message-mode peer's framing for
// data.
func (st *stream) readFirst(p []byte) (int, error) {
	if st.begun.Load() == aPreface {
		return 0, errMessagePeer
	}
	n, err := st.UnixConn.Read(p)
	switch {
	case n == 0:
		return 0, err
	case bytes.HasPrefix(p[:n], preface[:]) && st.begun.CompareAndSwap(nothing, aPreface):
		return 0, errMessagePeer
	}
	st.begun.CompareAndSwap(nothing, plainBytes)
	return n, err
}

var errMessagePeer = fmt.Errorf("the other side is in message mode, this one in byte mode; set Config.Message (%w)", breezeway.ErrMismatch)

func (st *stream) Write(p []byte) (n int, err error) {
	if st.frames != nil {
		n, err = st.frames.Write(p)
	} else {
		n, err = st.UnixConn.Write(p)
	}
	st.note(err)
	if errors.Is(err, unix.ECONNRESET) {
		err = unix.EPIPE // told so in the moment of the close only
	}
	return n, err
}

// note keeps for Drain what the kernel says once, to whichever call comes first.
// EPIPE says nothing of what was written before.
func (st *stream) note(err error) {
	if err != nil && errors.Is(err, unix.ECONNRESET) {
		st.reset.Store(true)
	}
}

func (st *stream) CloseWrite() error {
	st.ended.Store(true)
	return st.UnixConn.CloseWrite()
}

func (st *stream) disconnect() error { return st.UnixConn.Close() }

func (st *stream) impersonate(func() error) error {
	return fmt.Errorf("only Windows lets a server act as its client; use Conn.Peer to decide (%w)", errors.ErrUnsupported)
}

func (st *stream) peer() (peer breezeway.Peer, err error) {
	err = st.control(func(fd int) error {
		peer, err = sys.PeerOf(fd)
		return err
	})
	return peer, err
}

// drain polls: the kernel raises no event when the last byte is read.
func (st *stream) drain(ctx context.Context) error {
	var pause watch.Backoff
	for {
		// Asked first, so that what the peer has read before it ended counts.
		ended := st.peerReadsNoMore()
		n, lost, err := st.unread()
		switch {
		case err != nil:
			return err
		case lost:
			return fmt.Errorf("the other side closed without having read everything (%w)", io.ErrClosedPipe)
		case n == 0:
			return nil
		case ended:
			return fmt.Errorf("the other side has ended reading without having read everything (%w)", io.ErrClosedPipe)
		}
		if err := pause.Sleep(ctx); err != nil {
			return err
		}
	}
}

func (st *stream) unread() (n int, lost bool, err error) {
	err = st.control(func(fd int) error {
		n, lost, err = sys.Unread(fd)
		return err
	})
	return n, lost || st.reset.Load(), err
}

// peerReadsNoMore reports whether the peer has ended reading. It can't tell once this
// side has ended writing.
func (st *stream) peerReadsNoMore() (ended bool) {
	st.control(func(fd int) error {
		ended = !st.ended.Load() && !sys.CanWrite(fd)
		return nil
	})
	return ended
}

func (st *stream) control(f func(fd int) error) error {
	raw, err := st.UnixConn.SyscallConn()
	if err != nil {
		return err
	}
	var ferr error
	if err := raw.Control(func(fd uintptr) { ferr = f(int(fd)) }); err != nil {
		return err
	}
	return ferr
}

// explain puts the system's errors into the module's words.
func explain(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	if errors.Is(err, unix.EPIPE) {
		return fmt.Errorf("the other side has closed (%w, %w)", io.ErrClosedPipe, err)
	}
	return err
}
