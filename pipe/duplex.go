package pipe

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// DuplexConn is one end of a connection between a parent and its child that is made
// of two one-way pipes; see [Start] and [Inherited]. It implements [net.Conn].
// All methods may be called concurrently.
//
// Errors are [*breezeway.Error], but [io.EOF] comes bare. Those of a nil or zero
// DuplexConn are [os.ErrInvalid].
type DuplexConn struct {
	r, w   *os.File
	pieces pieceWriter
	name   string // of the process at the other end
}

// Read reads up to len(p) bytes; with len(p) 0 it reads nothing and waits for
// nothing. When no process has the other side open for
// writing any more it returns what was written before, then [io.EOF].
func (d *DuplexConn) Read(p []byte) (int, error) {
	switch {
	case !d.valid():
		return 0, d.fail(breezeway.OpRead, errNoDuplex)
	case len(p) == 0: // Windows would wait
		return 0, d.fail(breezeway.OpRead, checkOpen(d.r))
	}
	n, err := d.r.Read(p)
	return n, d.fail(breezeway.OpRead, err)
}

// Write writes all of p, waiting for room as needed. If no process has the
// other side open for reading any more it fails with [io.ErrClosedPipe]. Deadlines
// are as in [Conn.Write] in byte mode.
func (d *DuplexConn) Write(p []byte) (int, error) {
	switch {
	case !d.valid():
		return 0, d.fail(breezeway.OpWrite, errNoDuplex)
	case len(p) == 0: // on Windows it would look like the end to the reader
		return 0, d.fail(breezeway.OpWrite, checkOpen(d.w))
	}
	n, err := d.pieces.write(d.w, p)
	return n, d.fail(breezeway.OpWrite, err)
}

// fail puts an error into ours, except for io.EOF, which every reader expects
// bare.
func (d *DuplexConn) fail(op string, err error) error {
	switch {
	case err == nil || err == io.EOF:
		return err
	case d == nil:
		return fail.With(op, kindPipe, "", err)
	}
	err = fail.Bare(err)
	if err == os.ErrClosed {
		err = net.ErrClosed
	}
	return fail.With(op, kindPipe, d.name, explain(err))
}

// valid reports whether Start or Inherited made d.
func (d *DuplexConn) valid() bool { return d != nil && d.r != nil && d.w != nil }

var errNoDuplex = fmt.Errorf("the DuplexConn is nil or zero; use one that Start or Inherited returned (%w)", os.ErrInvalid)

// Close closes both directions and ends pending calls with [net.ErrClosed].
// The other side can still read what was written. Closing again does nothing.
func (d *DuplexConn) Close() error {
	if !d.valid() {
		return d.fail(breezeway.OpClose, errNoDuplex)
	}
	return errors.Join(d.CloseRead(), d.CloseWrite())
}

// CloseRead ends reading: the other side's writes fail from now on. Closing
// again does nothing.
func (d *DuplexConn) CloseRead() error {
	if !d.valid() {
		return d.fail(breezeway.OpCloseRead, errNoDuplex)
	}
	return d.close(breezeway.OpCloseRead, d.r)
}

// CloseWrite ends writing: the other side reads [io.EOF] after what was written.
// Closing again does nothing.
func (d *DuplexConn) CloseWrite() error {
	if !d.valid() {
		return d.fail(breezeway.OpCloseWrite, errNoDuplex)
	}
	return d.close(breezeway.OpCloseWrite, d.w)
}

func (d *DuplexConn) close(op string, f *os.File) error {
	if err := f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return d.fail(op, err)
	}
	return nil
}

// LocalAddr returns the same as RemoteAddr: the two ends share the pipes.
func (d *DuplexConn) LocalAddr() net.Addr { return d.RemoteAddr() }

// RemoteAddr names the process at the other end: "parent", or the child's
// program. It can't be dialled.
func (d *DuplexConn) RemoteAddr() net.Addr {
	if d == nil {
		return Addr("")
	}
	return Addr(d.name)
}

// SetDeadline sets both deadlines, or that of the direction that is not closed; the
// zero time removes them.
func (d *DuplexConn) SetDeadline(t time.Time) error {
	rerr, werr := d.SetReadDeadline(t), d.SetWriteDeadline(t)
	switch {
	case errors.Is(rerr, net.ErrClosed):
		return werr
	case rerr == nil && errors.Is(werr, net.ErrClosed):
		return nil
	}
	return cmp.Or(rerr, werr)
}

// SetReadDeadline bounds present and future Reads, which then end with
// [os.ErrDeadlineExceeded].
func (d *DuplexConn) SetReadDeadline(t time.Time) error {
	if !d.valid() {
		return d.fail(breezeway.OpSetDeadline, errNoDuplex)
	}
	return d.set(d.r.SetReadDeadline(t))
}

// SetWriteDeadline bounds present and future Writes, which then end with
// [os.ErrDeadlineExceeded].
func (d *DuplexConn) SetWriteDeadline(t time.Time) error {
	if !d.valid() {
		return d.fail(breezeway.OpSetDeadline, errNoDuplex)
	}
	return d.set(d.w.SetWriteDeadline(t))
}

func (d *DuplexConn) set(err error) error {
	return d.fail(breezeway.OpSetDeadline, closedFile(err))
}
