package shmnet

import (
	"context"
	"fmt"
	"io"

	"github.com/breezeway-ipc/breezeway"
)

// PeerClosed reports whether the other side has closed, or died. What it had written
// before can still be read. It waits for nothing and reads nothing.
func (c *Conn) PeerClosed() bool {
	return !c.valid() || c.closed.Load() || c.gone.Load() || c.door.PeerClosed()
}

// Drain waits until the other side has read everything that was written. It fails with
// [io.ErrClosedPipe] if the other side closed before it had, with
// [os.ErrDeadlineExceeded] at the write deadline, and with the cause of ctx. That the
// bytes were read does not say that they were understood: a program may die with them
// in its buffers.
//
// With [Plain] it is [pipe.Conn.Drain].
func (c *Conn) Drain(ctx context.Context) error {
	if !c.valid() {
		return c.fail(breezeway.OpDrain, errNoConn)
	}
	return c.fail(breezeway.OpDrain, c.drain(ctx))
}

func (c *Conn) drain(ctx context.Context) error {
	defer context.AfterFunc(ctx, c.wr.notify)()
	if err := c.beginContext(ctx, &c.wr); err != nil {
		return err
	}
	defer c.end(&c.wr)
	if c.Transport() == Plain {
		return c.door.Drain(ctx)
	}
	all := len(c.out.data)
	for {
		gone := c.gone.Load() // before the look
		if err := c.interrupted(&c.wr); err != nil {
			return err
		}
		room, err := c.out.look()
		switch {
		case err != nil:
			return c.breakOff(err)
		case room == all:
			return nil
		case gone:
			return c.unlessClosing(fmt.Errorf("the other side closed without having read everything (%w)", io.ErrClosedPipe))
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		c.parkWriter(all)
	}
}
