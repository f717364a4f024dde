package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// kindPipe is the Kind of this package's errors, except those of FIFOs and
// pipelines.
const kindPipe = "pipe"

// ErrMoreData says that Read has filled the caller's buffer before the message
// ended: the rest of it comes with the next Read. It is returned bare.
var ErrMoreData = errors.New("the message has more data than the buffer took; read again for the rest")

// Conn is one end of a named pipe's connection. It implements [net.Conn]. All
// methods may be called concurrently; concurrent Writes don't mix their bytes
// in message mode.
//
// Errors are [*breezeway.Error], but [io.EOF] and [ErrMoreData] come bare. Those
// of a nil or zero Conn are [os.ErrInvalid].
type Conn struct {
	s    *stream
	name string
	addr net.Addr
	cfg  *settings
	peer breezeway.Peer

	messages sync.Mutex // in message mode held by every read, so that messages stay whole
	begun    []byte     // of the present message: what a ReadMessage had when its time was over

	closing  sync.Once
	onClose  func()
	closeErr error
}

func newConn(s *stream, peer breezeway.Peer, name string, addr net.Addr, cfg *settings, onClose func()) *Conn {
	return &Conn{s: s, peer: peer, name: name, addr: addr, cfg: cfg, onClose: onClose}
}

// Read reads up to len(p) bytes; with len(p) 0 it reads nothing and waits for
// nothing. After Close or the deadline it returns no bytes any more, also if some
// have arrived. When the other side has closed it returns what was written before,
// then [io.EOF]. If the other side closed, or died, without
// having read all that was written to it, Linux reports that once, as
// ECONNRESET, in place of the first io.EOF.
//
// In message mode it reads one message, or as much of it as p holds and
// [ErrMoreData]. An empty message is 0 and no error. A deadline in the middle of a
// message costs no bytes: the next Read goes on. A message cut short by the
// death of its sender ends with [io.ErrUnexpectedEOF], one above
// Config.MaxMessage with [breezeway.ErrTooLarge], and a peer that is not in
// message mode with [breezeway.ErrMismatch]; nothing can be read after those.
func (c *Conn) Read(p []byte) (int, error) {
	switch {
	case !c.valid():
		return 0, c.fail(breezeway.OpRead, errNoConn)
	case c.cfg.Direction == Out:
		return 0, c.fail(breezeway.OpRead, errWriteOnly)
	case len(p) == 0: // the systems differ in what they make of it
		return 0, c.fail(breezeway.OpRead, c.s.unlessClosed(nil))
	}
	n, err := c.read(p)
	return n, c.fail(breezeway.OpRead, err)
}

func (c *Conn) read(p []byte) (int, error) {
	if !c.cfg.Message {
		return c.s.Read(p)
	}
	c.messages.Lock()
	defer c.messages.Unlock()
	if len(c.begun) == 0 {
		return c.s.Read(p)
	}
	if err := c.s.ready(); err != nil {
		return 0, err
	}
	n := copy(p, c.begun)
	c.begun = c.begun[n:]
	return n, ErrMoreData
}

// Write writes all of p, waiting for room as needed. A pipe whose other side
// has closed fails with [io.ErrClosedPipe].
//
// In message mode p is one message. One above Config.MaxMessage fails with
// [breezeway.ErrTooLarge] and nothing is sent. A deadline that cuts a message
// off in the middle leaves the pipe unusable for writing.
//
// In byte mode a Write that a deadline cuts off reports how much of p was taken, and
// the next one goes on from there. On Windows that can't be told of a pipe without a
// buffer, such as .NET's servers make unless they are given sizes, nor of one of another
// machine: there a deadline that ends a Write leaves the pipe unusable for writing, and
// what it reports is the least that was taken.
func (c *Conn) Write(p []byte) (int, error) {
	switch {
	case !c.valid():
		return 0, c.fail(breezeway.OpWrite, errNoConn)
	case c.cfg.Direction == In:
		return 0, c.fail(breezeway.OpWrite, errReadOnly)
	}
	n, err := c.s.Write(p)
	return n, c.fail(breezeway.OpWrite, err)
}

var (
	errNoConn     = fmt.Errorf("the Conn is nil or zero; use one that Dial or Accept returned (%w)", os.ErrInvalid)
	errWriteOnly  = fail.Errorf("this end only writes: %s (%w)", fail.Go("Config.Direction is Out"), os.ErrPermission)
	errReadOnly   = fail.Errorf("this end only reads: %s (%w)", fail.Go("Config.Direction is In"), os.ErrPermission)
	errNoMessages = fail.Errorf("the pipe is in byte mode, it has no messages; set %s at both ends (%w)", fail.Go("Config.Message"), breezeway.ErrMismatch)
)

// ReadMessage reads the next whole message and appends it to buf, which may be
// nil. Memory grows with what has arrived, not with what the sender announced.
// After a Read that returned ErrMoreData, or some bytes and an error, it reads the
// rest of that message.
//
// It reports the errors of [Conn.Read]. With [os.ErrDeadlineExceeded] buf is as it
// was, and what has arrived stays for the next call, which returns the message
// whole. With the others what had arrived is returned too.
func (c *Conn) ReadMessage(buf []byte) ([]byte, error) {
	switch {
	case !c.valid():
		return buf, c.fail(breezeway.OpRead, errNoConn)
	case c.cfg.Direction == Out:
		return buf, c.fail(breezeway.OpRead, errWriteOnly)
	case !c.cfg.Message:
		return buf, c.fail(breezeway.OpRead, errNoMessages)
	}
	buf, err := c.appendMessage(buf)
	return buf, c.fail(breezeway.OpRead, err)
}

func (c *Conn) appendMessage(buf []byte) ([]byte, error) {
	c.messages.Lock()
	defer c.messages.Unlock()
	start := len(buf)
	buf = append(buf, c.begun...)
	c.begun = nil
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, make([]byte, max(512, cap(buf)))...)[:len(buf)]
		}
		n, err := c.s.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.begun = slices.Clone(buf[start:])
			return buf[:start], err
		case err != ErrMoreData:
			return buf, err
		case len(buf)-start > c.cfg.MaxMessage:
			return buf, fmt.Errorf("the message exceeds %s, %d bytes (%w)", fail.Go("Config.MaxMessage"), c.cfg.MaxMessage, breezeway.ErrTooLarge)
		}
	}
}

// valid reports whether Dial or Accept made c.
func (c *Conn) valid() bool { return c != nil && c.s != nil }

// do calls f with the stream, if there is one.
func (c *Conn) do(op string, f func(*stream) error) error {
	if !c.valid() {
		return c.fail(op, errNoConn)
	}
	return c.fail(op, f(c.s))
}

// fail puts an error into ours, except those that every reader expects bare.
func (c *Conn) fail(op string, err error) error {
	switch {
	case err == nil || err == io.EOF || err == ErrMoreData:
		return err
	case c == nil:
		return fail.With(op, kindPipe, "", err)
	}
	return fail.With(op, kindPipe, c.name, explain(err))
}

// Close closes the connection and ends its pending calls with [net.ErrClosed].
// The other side can still read what was written. Closing again does nothing.
func (c *Conn) Close() error { return c.close((*stream).Close) }

// Disconnect is Close without regard for the other side. On Windows, at the
// server's end, what the client has not read is discarded, as
// DisconnectNamedPipe does; elsewhere the kernel has handed it over already, and
// the client reads it.
func (c *Conn) Disconnect() error { return c.close((*stream).disconnect) }

func (c *Conn) close(closeStream func(*stream) error) error {
	if !c.valid() {
		return c.fail(breezeway.OpClose, errNoConn)
	}
	c.closing.Do(func() {
		c.closeErr = c.do(breezeway.OpClose, closeStream)
		c.onClose()
	})
	return c.closeErr
}

// CloseRead ends reading: the other side's writes fail from now on, and Read
// returns [io.EOF], also if bytes have arrived. Windows has no such thing and
// returns [errors.ErrUnsupported].
func (c *Conn) CloseRead() error { return c.do(breezeway.OpCloseRead, (*stream).CloseRead) }

// CloseWrite ends writing: the other side reads [io.EOF] after what was written,
// and Write fails with [net.ErrClosed]. Windows has no such thing and returns
// [errors.ErrUnsupported].
func (c *Conn) CloseWrite() error { return c.do(breezeway.OpCloseWrite, (*stream).CloseWrite) }

// Confirm says that what Read and ReadMessage have returned is dealt with, as the
// next Read would; see [Config.Confirm]. It does nothing without that, nor while
// messages have been taken from the system that Read has not returned yet. It heeds
// no deadline.
func (c *Conn) Confirm() error {
	return c.do(breezeway.OpConfirm, func(s *stream) error {
		if c.cfg.Message {
			if !c.messages.TryLock() {
				return nil // a Read that goes on has confirmed
			}
			defer c.messages.Unlock()
		}
		return s.confirm()
	})
}

// PeerClosed reports whether the other side has closed, or died. What it had
// written before can still be read. On Unix it reports true, too, if each side has
// ended writing. It waits for nothing and reads nothing.
func (c *Conn) PeerClosed() bool { return !c.valid() || c.s.peerClosed() }

// Drain waits until the other side has read everything that was written. It
// fails with [io.ErrClosedPipe] if the other side closed, or ended reading, before it
// had, and with the cause of ctx. What a failed Write did not write is not waited for. That the bytes were read does not say that they were
// understood: a program may die with them in its buffers.
//
// Linux has no event for it, so Drain asks again every 1 to 50 ms. Windows does
// not say what a peer that has closed already had left unread: Drain then fails
// with [io.ErrClosedPipe] and [errors.ErrUnsupported], unless nothing was
// written since the last one that succeeded. [errors.ErrUnsupported] on macOS.
//
// If the other side has [Config.Confirm], as `ipc serve` has, the bytes were
// dealt with when Drain succeeds. One in the other mode reads none of them.
func (c *Conn) Drain(ctx context.Context) error {
	return c.do(breezeway.OpDrain, func(s *stream) error { return s.drain(ctx) })
}

// Peer returns the process at the other end when the connection was made: the
// client, or the process that called Listen.
func (c *Conn) Peer() breezeway.Peer {
	if !c.valid() {
		return breezeway.Peer{UID: -1, GID: -1} // 0 would be root
	}
	return c.peer
}

// Impersonate calls f on a thread that acts with the client's rights, then
// takes its own back. It is for the server's end on Windows; a client decides
// how far it lets itself be impersonated, and one of ours allows identification
// only. If it can't take its own rights back, which its error says, it closes the
// connection, and the goroutine that called must end: it still has the client's.
// Elsewhere it returns [errors.ErrUnsupported] without calling f.
func (c *Conn) Impersonate(f func() error) error {
	return c.do(breezeway.OpImpersonate, func(s *stream) error { return s.impersonate(f) })
}

// LocalAddr returns where the pipe is found, an [Addr].
func (c *Conn) LocalAddr() net.Addr {
	if !c.valid() {
		return Addr("")
	}
	return c.addr
}

// RemoteAddr returns the same as LocalAddr: clients have no address. [Conn.Peer]
// identifies them.
func (c *Conn) RemoteAddr() net.Addr { return c.LocalAddr() }

// SetDeadline sets both deadlines; the zero time removes them.
func (c *Conn) SetDeadline(t time.Time) error {
	return c.do(breezeway.OpSetDeadline, func(s *stream) error { return s.SetDeadline(t) })
}

// SetReadDeadline bounds present and future Reads, which then end with
// [os.ErrDeadlineExceeded].
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.do(breezeway.OpSetDeadline, func(s *stream) error { return s.SetReadDeadline(t) })
}

// SetWriteDeadline bounds present and future Writes, which then end with
// [os.ErrDeadlineExceeded].
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.do(breezeway.OpSetDeadline, func(s *stream) error { return s.SetWriteDeadline(t) })
}

// SyscallConn returns the socket below the connection, for system calls that this
// package doesn't make. What is read there is missing in Read. On Windows it is the
// pipe's handle, which was opened for overlapped I/O, by Control only: Read and Write
// return [errors.ErrUnsupported].
func (c *Conn) SyscallConn() (raw syscall.RawConn, err error) {
	err = c.do(breezeway.OpOpen, func(s *stream) error {
		raw, err = s.syscallConn()
		return err
	})
	return raw, err
}
