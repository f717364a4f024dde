package shmnet

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/breezeway-ipc/breezeway"
)

// Reserve waits for room and returns up to n bytes of it, at least one, to be filled in
// place. [Conn.Commit] sends them. Where the ring's end is near there are fewer than n;
// reserve again for the rest.
//
// The room is the caller's until Commit, or until the next Reserve, Write or ReadFrom of
// any goroutine. It stays valid memory if the connection is closed meanwhile, until Commit.
func (c *Conn) Reserve(n int) ([]byte, error) {
	if !c.valid() {
		return nil, c.fail(breezeway.OpReserve, errNoConn)
	}
	p, err := c.reserve(n)
	return p, c.fail(breezeway.OpReserve, err)
}

func (c *Conn) reserve(n int) ([]byte, error) {
	if n <= 0 {
		return nil, fmt.Errorf("%d bytes can't be reserved (%w)", n, os.ErrInvalid)
	}
	if err := c.begin(&c.wr); err != nil {
		return nil, err
	}
	defer c.end(&c.wr)
	if c.Transport() == Plain {
		c.room = make([]byte, min(n, DefaultBufferSize))
		c.wr.lent = len(c.room)
		return c.room, nil
	}
	room, err := c.roomFor(n)
	if err != nil {
		return nil, err
	}
	p := c.out.free(min(room, n))
	c.wr.lent = len(p)
	return p[:len(p):len(p)], nil
}

// Commit sends the first n bytes of what Reserve returned and gives up the others. It
// doesn't wait for the other side, except with [Plain].
func (c *Conn) Commit(n int) error {
	if !c.valid() {
		return c.fail(breezeway.OpCommit, errNoConn)
	}
	return c.fail(breezeway.OpCommit, c.commitReserved(n))
}

func (c *Conn) commitReserved(n int) error {
	_ = c.wr.turn.take(nil, nil)
	defer c.end(&c.wr)
	reserved := c.wr.lent
	c.wr.lent = 0
	if n < 0 || n > reserved {
		return fmt.Errorf("%d bytes can't be sent, %d are reserved (%w)", n, reserved, os.ErrInvalid)
	}
	if c.Transport() == Plain {
		_, err := c.door.Write(c.room[:n])
		return err
	}
	if err := c.writable(); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return c.commit(n)
}

// Peek waits for something to read and returns up to n bytes of it, at least one, where
// they are. [Conn.Discard] frees them; until then they are read again. Where the ring's
// end is near there are fewer than n, though more have arrived; discard these first.
//
// The other process could change the bytes while they are looked at: what is checked
// must be copied first. They are the caller's until Discard, or until the next Read or
// WriteTo of any goroutine. They stay valid memory if the connection is closed meanwhile,
// until Discard.
func (c *Conn) Peek(n int) ([]byte, error) {
	if !c.valid() {
		return nil, c.fail(breezeway.OpPeek, errNoConn)
	}
	p, err := c.peek(n)
	return p, c.fail(breezeway.OpPeek, err)
}

func (c *Conn) peek(n int) ([]byte, error) {
	if n <= 0 {
		return nil, fmt.Errorf("%d bytes can't be looked at (%w)", n, os.ErrInvalid)
	}
	if err := c.begin(&c.rd); err != nil {
		return nil, err
	}
	defer c.end(&c.rd)
	if c.Transport() == Plain {
		return c.peekPlain(n)
	}
	available, err := c.arrived()
	if err != nil {
		return nil, err
	}
	p := c.in.filled(min(available, n))
	c.rd.lent = len(p)
	return p[:len(p):len(p)], nil
}

// Discard frees the first n bytes of what Peek returned.
func (c *Conn) Discard(n int) error {
	if !c.valid() {
		return c.fail(breezeway.OpDiscard, errNoConn)
	}
	return c.fail(breezeway.OpDiscard, c.discardPeeked(n))
}

func (c *Conn) discardPeeked(n int) error {
	_ = c.rd.turn.take(nil, nil)
	defer c.end(&c.rd)
	peeked := c.rd.lent
	c.rd.lent = 0
	switch {
	case n < 0 || n > peeked:
		return fmt.Errorf("%d bytes can't be discarded, Peek returned %d (%w)", n, peeked, os.ErrInvalid)
	case c.closed.Load():
		return net.ErrClosed
	case c.Transport() == Plain:
		c.ahead = c.ahead[n:]
	default:
		c.discard(n)
	}
	return nil
}

// readPlain reads what Peek has read first. It is rd's turn.
func (c *Conn) readPlain(p []byte) (int, error) {
	if len(c.ahead) == 0 || len(p) == 0 {
		return c.door.Read(p)
	}
	if err := c.over(); err != nil {
		return 0, err
	}
	n := copy(p, c.ahead)
	c.ahead, c.rd.lent = c.ahead[n:], 0
	return n, nil
}

// over returns what ends a Read with [Plain] that needs no system call.
func (c *Conn) over() error {
	switch {
	case c.closed.Load():
		return net.ErrClosed
	case c.rd.deadline.isOver():
		return os.ErrDeadlineExceeded
	}
	return nil
}

// peekPlain reads ahead. It is rd's turn.
func (c *Conn) peekPlain(n int) ([]byte, error) {
	if len(c.ahead) == 0 {
		buf := make([]byte, min(n, DefaultBufferSize))
		got, err := c.door.Read(buf)
		if err != nil {
			return nil, err
		}
		c.ahead = buf[:got]
	} else if err := c.over(); err != nil {
		return nil, err
	}
	p := c.ahead[:min(n, len(c.ahead))]
	c.rd.lent = len(p)
	return p[:len(p):len(p)], nil
}

// WriteTo writes to w what arrives, without a copy of its own, until the other side has
// closed. It implements [io.WriterTo], which [io.Copy] uses.
func (c *Conn) WriteTo(w io.Writer) (n int64, err error) {
	if !c.valid() {
		return 0, c.fail(breezeway.OpRead, errNoConn)
	}
	if c.Transport() == SharedMemory {
		n, err = c.writeTo(w)
	} else {
		n, err = io.Copy(w, struct{ io.Reader }{c})
	}
	return n, c.fail(breezeway.OpRead, err)
}

func (c *Conn) writeTo(w io.Writer) (n int64, err error) {
	if err := c.begin(&c.rd); err != nil {
		return 0, err
	}
	defer c.end(&c.rd)
	for {
		available, err := c.arrived()
		switch {
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, err
		}
		c.rd.lent = 0 // also if Close comes before w has taken it
		p := c.in.filled(available)
		written, err := w.Write(p)
		if written < 0 || written > len(p) {
			return n, fmt.Errorf("the writer says that it has taken %d bytes of %d (%w)", written, len(p), os.ErrInvalid)
		}
		n += int64(written)
		if !c.closed.Load() {
			c.discard(written)
		}
		switch {
		case err != nil:
			return n, err // io.EOF, too, is a failure of w
		case written < len(p):
			return n, io.ErrShortWrite
		}
	}
}

// ReadFrom sends what r yields, without a copy of its own, until it ends. It implements
// [io.ReaderFrom], which [io.Copy] uses.
func (c *Conn) ReadFrom(r io.Reader) (n int64, err error) {
	if !c.valid() {
		return 0, c.fail(breezeway.OpWrite, errNoConn)
	}
	if c.Transport() == SharedMemory {
		n, err = c.readFrom(r)
	} else {
		n, err = io.Copy(struct{ io.Writer }{c}, r)
	}
	return n, c.fail(breezeway.OpWrite, err)
}

func (c *Conn) readFrom(r io.Reader) (n int64, err error) {
	if err := c.begin(&c.wr); err != nil {
		return 0, err
	}
	defer c.end(&c.wr)
	for {
		room, err := c.roomFor(mostAtOnce)
		if err != nil {
			return n, err
		}
		c.wr.lent = 0
		p := c.out.free(min(room, mostAtOnce))
		got, err := r.Read(p)
		if got < 0 || got > len(p) {
			return n, fmt.Errorf("the reader says that it has %d bytes in room for %d (%w)", got, len(p), os.ErrInvalid)
		}
		broken := c.writable()
		if broken == nil {
			broken = c.commit(got)
		}
		if broken != nil && got > 0 {
			return n, broken
		}
		n += int64(got)
		switch {
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, err
		}
	}
}
