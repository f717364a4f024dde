//go:build unix

package pipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/internal/watch"
	"golang.org/x/sys/unix"
)

// stream is the connected socket below a Conn.
type stream struct {
	*net.UnixConn
	raw    syscall.RawConn
	in     *inbound
	frames *frames     // in message mode
	reset  atomic.Bool // the peer closed without having read everything

	readClosed, writeClosed atomic.Bool // by this end

	plain   atomic.Bool // in byte mode: the first bytes have shown that the peer is too
	opening sync.Mutex  // held by a Read of the first bytes
	seen    int         // so many of them are those of a preface
}

func newStream(c *net.UnixConn, s *settings) (*stream, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		c.Close()
		return nil, err
	}
	st := &stream{UnixConn: c, raw: raw, in: &inbound{UnixConn: c, raw: raw, confirms: s.Confirm}}
	if s.Message {
		st.frames = newFrames(st.in, s.MaxMessage)
	}
	if err := st.restrict(s); err != nil {
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
	if err := st.confirm(); err != nil {
		return 0, err
	}
	n, err := st.read(p)
	st.note(err)
	return n, err
}

func (st *stream) read(p []byte) (int, error) {
	switch {
	case st.plain.Load() && !st.readClosed.Load():
		return st.in.Read(p)
	case st.frames == nil:
		return st.readFirst(p)
	}
	if err := st.ready(); err != nil {
		return 0, err
	}
	n, err := st.frames.Read(p)
	if err == io.ErrUnexpectedEOF && st.readClosed.Load() {
		return 0, io.EOF // it is this end that cut the message short
	}
	return n, err
}

// ready is the gate before every byte that this process holds already: it returns
// what a Read that asks the system would fail with before it reads. It may wait
// for another Read to end, as that would.
func (st *stream) ready() error {
	if err := st.raw.Read(atOnce); err != nil {
		return err
	}
	if st.readClosed.Load() {
		return io.EOF
	}
	return nil
}

func atOnce(uintptr) bool { return true }

// unlessClosed returns err, or net.ErrClosed if this end was closed.
func (st *stream) unlessClosed(err error) error {
	if closed := st.raw.Control(func(uintptr) {}); closed != nil {
		return closed
	}
	return err
}

// confirm confirms what Reads have returned, unless more than that has been taken
// from the system.
func (st *stream) confirm() error {
	if st.frames.buffered() > 0 {
		return nil
	}
	return st.in.confirm()
}

// readFirst keeps a byte-mode end from taking a message-mode peer's framing for
// data: it stays unread, and so counts as lost for the peer. A peer in byte mode may
// send the first bytes of a preface and wait for the answer, so they are not kept
// back.
func (st *stream) readFirst(p []byte) (int, error) {
	st.opening.Lock()
	defer st.opening.Unlock()
	if err := st.ready(); err != nil {
		return 0, err
	}
	rest := preface[st.seen:]
	arrived, err := st.in.peek(len(rest))
	switch {
	case err != nil:
		return 0, err
	case bytes.Equal(arrived, rest):
		return 0, errMessagePeer
	case !bytes.HasPrefix(rest, arrived):
		st.plain.Store(true)
		return st.in.Read(p)
	}
	n, err := st.in.Read(p[:min(len(p), len(arrived))])
	st.seen += n
	return n, err
}

var errMessagePeer = fail.Errorf("the other side is in message mode, this one in byte mode; set %s (%w)", fail.Go("Config.Message"), breezeway.ErrMismatch)

func (st *stream) Write(p []byte) (n int, err error) {
	switch {
	case st.writeClosed.Load():
		return 0, net.ErrClosed
	case st.frames != nil:
		n, err = st.frames.Write(p)
	default:
		n, err = st.UnixConn.Write(p)
	}
	switch {
	case err == nil:
		return n, nil
	case st.writeClosed.Load():
		return n, net.ErrClosed // while it waited
	}
	st.note(err)
	if errors.Is(err, unix.ECONNRESET) {
		err = unix.EPIPE // told so in the moment of the close only
	}
	return n, st.unlessClosed(err)
}

func (st *stream) CloseRead() error {
	st.readClosed.Store(true)
	return st.UnixConn.CloseRead()
}

func (st *stream) CloseWrite() error {
	st.writeClosed.Store(true)
	return st.UnixConn.CloseWrite()
}

// note keeps for Drain what the kernel says once, to whichever call comes first.
// EPIPE says nothing of what was written before.
func (st *stream) note(err error) {
	if err != nil && errors.Is(err, unix.ECONNRESET) {
		st.reset.Store(true)
	}
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

// peerClosed asks for POLLHUP, which the kernel sets when neither side can send.
func (st *stream) peerClosed() (closed bool) {
	err := st.control(func(fd int) error {
		closed = sys.HungUp(fd)
		return nil
	})
	return closed || err != nil
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
		ended = !sys.CanWrite(fd) && !st.writeClosed.Load() // CloseWrite sets it before it has an effect
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

func (st *stream) syscallConn() (syscall.RawConn, error) { return st.raw, nil }
