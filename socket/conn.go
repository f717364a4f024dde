package socket

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Conn is one end of a connection. It implements [net.Conn]. All methods may be called
// concurrently. Errors are [*breezeway.Error], but [io.EOF] comes bare. Those of a nil or
// zero Conn are [os.ErrInvalid].
type Conn struct {
	c         net.Conn // a *tls.Conn over raw, or raw
	raw       net.Conn
	gate      syscall.RawConn // of raw
	transport transport
	address   string
	peer      breezeway.Peer

	readUntil atomic.Pointer[time.Time] // the deadline for reading, nil if there is none

	reading atomic.Int32 // how many calls read
	reset   atomic.Bool  // one of them has learned that the other side left bytes unread

	writeClosed, closed atomic.Bool // set before CloseWrite and Close have an effect

	closing  sync.Once
	onClose  func()
	closeErr error
}

func newConn(c, raw net.Conn, n transport, address string, peer breezeway.Peer, onClose func()) *Conn {
	gate, _ := raw.(syscall.Conn).SyscallConn() // it fails for a nil raw only
	return &Conn{c: c, raw: raw, gate: gate, transport: n, address: address, peer: peer, onClose: onClose}
}

// unknownPeer is a peer whose user the system doesn't tell.
func unknownPeer() breezeway.Peer { return breezeway.Peer{UID: -1, GID: -1} } // 0 would be root

// Read reads up to len(p) bytes; with len(p) 0 it reads nothing and waits for nothing.
// After Close or the deadline it returns no bytes any more, also if some have arrived. When
// the other side has closed it returns what was written before, then [io.EOF]; a TLS
// connection that was cut off ends with [io.ErrUnexpectedEOF]. A TLS server judges a
// client's certificate after Dial has returned: if it refuses, the client's Read fails with
// [os.ErrPermission], and so may its Write.
//
// With "unixpacket" it reads one packet. If that has more than len(p) bytes the rest is
// lost, and the error is a [breezeway.TooLargeError].
func (c *Conn) Read(p []byte) (int, error) {
	if !c.valid() {
		return 0, c.fail(breezeway.OpRead, errNoConn)
	}
	c.beginRead()
	n, err := c.read(p)
	c.noteReset(explain(err))
	if err != nil && c.closed.Load() {
		err = net.ErrClosed // the other side may have answered that by closing, too
	}
	return n, c.fail(breezeway.OpRead, err)
}

// beginRead and noteReset surround what reads. The system tells only one call that the
// other side closed with bytes unread: Drain asks them whether it was a read.
func (c *Conn) beginRead() { c.reading.Add(1) }

func (c *Conn) noteReset(err error) {
	if isBroken(err) {
		c.reset.Store(true)
	}
	c.reading.Add(-1)
}

func (c *Conn) read(p []byte) (int, error) {
	switch {
	case len(p) == 0: // the systems differ in what they make of it
		return 0, c.gate.Control(func(uintptr) {})
	case c.transport.packets:
		return readPacket(c.raw, p)
	case c.transport.tls:
		// What was decrypted already is not read after Close or the deadline either.
		if err := c.unlessEnded(); err != nil {
			return 0, err
		}
	}
	return c.c.Read(p)
}

// unlessEnded returns an error if this end was closed or the deadline for reading has
// passed.
func (c *Conn) unlessEnded() error {
	if until := c.readUntil.Load(); until != nil && !time.Now().Before(*until) {
		return os.ErrDeadlineExceeded
	}
	return c.gate.Control(func(uintptr) {})
}

// Write writes all of p, waiting for room as needed. It fails with [io.ErrClosedPipe] when
// the other side has closed. One that a deadline cuts off reports how much of p was taken,
// and the next one goes on from there; with "tls" nothing can be written after that.
//
// With "unixpacket" p is one packet, which has at least one byte: the system could not
// tell an empty one from the end. One that the system can't send whole, of some 200 KiB,
// is [breezeway.ErrTooLarge].
func (c *Conn) Write(p []byte) (int, error) {
	switch {
	case !c.valid():
		return 0, c.fail(breezeway.OpWrite, errNoConn)
	case c.transport.packets && len(p) == 0:
		return 0, c.fail(breezeway.OpWrite, errEmptyPacket)
	}
	n, err := c.c.Write(p)
	return n, c.fail(breezeway.OpWrite, c.explainWrite(err))
}

// explainWrite turns what the system calls a broken connection into io.ErrClosedPipe.
func (c *Conn) explainWrite(err error) error {
	if err = explain(err); err == nil {
		return nil
	}
	if closed := c.gate.Control(func(uintptr) {}); closed != nil {
		return closed
	}
	switch {
	case c.transport.packets && isTooLong(err):
		return fmt.Errorf("the system can't send so large a packet (%w, %w)", breezeway.ErrTooLarge, err)
	case isBroken(err) && (c.writeClosed.Load() || c.closed.Load()):
		return net.ErrClosed
	case isBroken(err):
		return fmt.Errorf("the other side has closed (%w, %w)", io.ErrClosedPipe, err)
	}
	return err
}

var (
	errNoConn      = fmt.Errorf("the Conn is nil or zero; use one that Dial or Accept returned (%w)", os.ErrInvalid)
	errEmptyPacket = fmt.Errorf("a packet has at least one byte (%w)", os.ErrInvalid)
)

// valid reports whether Dial or Accept made c.
func (c *Conn) valid() bool { return c != nil && c.c != nil }

func (c *Conn) fail(op string, err error) error {
	switch {
	case err == nil || err == io.EOF:
		return err
	case !c.valid():
		return fail.With(op, "socket", "", err)
	}
	return fail.With(op, c.transport.name, c.address, explain(err))
}

// explain takes off what package net adds: a [breezeway.Error] names the address.
func explain(err error) error {
	if err == nil {
		return nil // before anything that allocates
	}
	var op *net.OpError
	if !errors.As(err, &op) {
		return err
	}
	if op.Op == tlsAlert {
		return fmt.Errorf("the other side refuses: %w (%w)", op.Err, os.ErrPermission)
	}
	return op.Err
}

// Close closes the connection and ends its pending calls with [net.ErrClosed]. The other
// side can still read what was written. Closing again does nothing. With "tls" it first
// tells the other side, and waits for up to 5 s if that doesn't read.
func (c *Conn) Close() error {
	if !c.valid() {
		return c.fail(breezeway.OpClose, errNoConn)
	}
	c.closing.Do(func() {
		c.closed.Store(true)
		// That the other side is gone already is no failure to close.
		if err := explain(c.c.Close()); !isBroken(err) && !errors.Is(err, os.ErrDeadlineExceeded) {
			c.closeErr = err
		}
		c.onClose()
	})
	return c.fail(breezeway.OpClose, c.closeErr)
}

// halves is a connection of which one half can be closed.
type halves interface {
	CloseRead() error
	CloseWrite() error
}

// CloseWrite ends writing: the other side reads [io.EOF] after what was written, and Write
// fails from now on, with [net.ErrClosed] but for "tls".
func (c *Conn) CloseWrite() error {
	if !c.valid() {
		return c.fail(breezeway.OpCloseWrite, errNoConn)
	}
	c.writeClosed.Store(true)
	if t, ok := c.c.(*tls.Conn); ok {
		return c.fail(breezeway.OpCloseWrite, t.CloseWrite())
	}
	return c.fail(breezeway.OpCloseWrite, c.raw.(halves).CloseWrite())
}

// CloseRead ends reading: Read returns [io.EOF]. The writes of the other side fail on a
// Unix socket. With "tls" it is [errors.ErrUnsupported].
func (c *Conn) CloseRead() error {
	switch {
	case !c.valid():
		return c.fail(breezeway.OpCloseRead, errNoConn)
	case c.transport.tls:
		return c.fail(breezeway.OpCloseRead, fmt.Errorf("TLS ends both halves of reading at once; use Close (%w)", errors.ErrUnsupported))
	}
	return c.fail(breezeway.OpCloseRead, c.raw.(halves).CloseRead())
}

// Drain waits until the other side has read everything that was written to a Unix socket.
// It fails with [io.ErrClosedPipe] if the other side closed before it had, and with the
// cause of ctx. Linux has no event for it, so Drain asks again every 1 to 50 ms. With TCP
// and on other systems it is [errors.ErrUnsupported]: there only an answer tells.
func (c *Conn) Drain(ctx context.Context) error {
	if !c.valid() {
		return c.fail(breezeway.OpDrain, errNoConn)
	}
	return c.fail(breezeway.OpDrain, c.drain(ctx))
}

// PeerClosed reports whether the other side has closed, or died. It waits for nothing and
// reads nothing. With TCP it can only tell when the other side's machine has answered a
// write; on Windows it reports whether this end was closed.
func (c *Conn) PeerClosed() bool {
	if !c.valid() {
		return true
	}
	hungUp := false
	err := c.gate.Control(func(fd uintptr) { hungUp = c.hungUp(fd) })
	return hungUp || err != nil
}

// Peer returns the process at the other end of a Unix socket when the connection was made:
// the client, or the process that called Listen. TCP tells nothing: UID is -1.
func (c *Conn) Peer() breezeway.Peer {
	if !c.valid() {
		return unknownPeer()
	}
	return c.peer
}

// TLS returns what was agreed on with the other side, its certificates among it, or nil
// without TLS.
func (c *Conn) TLS() *tls.ConnectionState {
	if !c.valid() {
		return nil
	}
	t, ok := c.c.(*tls.Conn)
	if !ok {
		return nil
	}
	state := t.ConnectionState()
	return &state
}

// SyscallConn returns the socket, for calls that this package has not. With "tls" what
// they read and write is encrypted.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if !c.valid() {
		return nil, c.fail(breezeway.OpGet, errNoConn)
	}
	return c.gate, nil
}

// LocalAddr returns this end's address.
func (c *Conn) LocalAddr() net.Addr {
	if !c.valid() {
		return (*net.UnixAddr)(nil)
	}
	return c.raw.LocalAddr()
}

// RemoteAddr returns the other end's address. Clients of a Unix socket have none;
// [Conn.Peer] identifies them.
func (c *Conn) RemoteAddr() net.Addr {
	if !c.valid() {
		return (*net.UnixAddr)(nil)
	}
	return c.raw.RemoteAddr()
}

// SetDeadline sets both deadlines; the zero time removes them.
func (c *Conn) SetDeadline(t time.Time) error {
	c.noteReadDeadline(t)
	return c.setDeadline(net.Conn.SetDeadline, t)
}

// SetReadDeadline bounds present and future Reads, which then end with
// [os.ErrDeadlineExceeded].
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.noteReadDeadline(t)
	return c.setDeadline(net.Conn.SetReadDeadline, t)
}

// noteReadDeadline keeps the deadline for what has been decrypted already.
func (c *Conn) noteReadDeadline(t time.Time) {
	switch {
	case !c.valid() || !c.transport.tls:
	case t.IsZero():
		c.readUntil.Store(nil)
	default:
		c.readUntil.Store(&t)
	}
}

// SetWriteDeadline bounds present and future Writes, which then end with
// [os.ErrDeadlineExceeded].
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.setDeadline(net.Conn.SetWriteDeadline, t)
}

func (c *Conn) setDeadline(set func(net.Conn, time.Time) error, t time.Time) error {
	if !c.valid() {
		return c.fail(breezeway.OpSetDeadline, errNoConn)
	}
	return c.fail(breezeway.OpSetDeadline, set(c.raw, t))
}
