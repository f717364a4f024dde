package shmnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/breezeway-ipc/breezeway"
)

// offer is the server's side of the beginning. It waits for nothing.
func (c *Conn) offer(s *settings) error {
	h := hello{toClient: uint64(s.BufferSize), toServer: uint64(s.BufferSize)}
	m, err := c.provide(h, s)
	if err != nil {
		s.tellPlain(c.name, err)
	}
	h.shared = m != nil
	if err := sendHello(c.door, h, m); err != nil {
		if m != nil {
			m.unmap()
		}
		return err
	}
	if m != nil {
		c.memory = m
		c.in, c.out = m.ends(h, true)
	}
	go c.hearAnswer()
	return nil
}

// provide makes the memory, unless s says not to.
func (c *Conn) provide(h hello, s *settings) (m *memory, err error) {
	if s.Plain {
		return nil, nil
	}
	if c.bells.bell, err = newBell(c.door); err != nil {
		return nil, err
	}
	return makeMemory(h, c.door, s)
}

// hearAnswer waits for what the client says of the server's offer.
func (c *Conn) hearAnswer() {
	var answer [1]byte
	_, err := io.ReadFull(c.door, answer[:])
	switch {
	case err != nil:
	case answer[0] == acceptShared && c.memory != nil:
		c.settle(SharedMemory)
		return
	case answer[0] == acceptPlain:
		if _, err = c.door.Write(answer[:]); err == nil {
			c.settle(Plain)
			return
		}
	default:
		c.breakOff(fmt.Errorf("the client answers %q (%w)", answer, breezeway.ErrMismatch))
	}
	c.settle(Undecided)
}

// settle has bytes travel by t from now on, unless the connection was closed meanwhile.
// Otherwise, and with another transport than [SharedMemory], no memory stays.
func (c *Conn) settle(t Transport) {
	c.setup.Lock()
	defer c.setup.Unlock()
	closed := c.closed.Load()
	if c.memory != nil && (closed || t != SharedMemory) {
		c.memory.unmap()
		c.memory = nil
	}
	switch {
	case closed:
		return
	case t == Undecided:
		c.gone.Store(true)
	case t == SharedMemory:
		c.memory.forget()
	case t == Plain:
		c.rd.deadline.handOver(c.door.SetReadDeadline)
		c.wr.deadline.handOver(c.door.SetWriteDeadline)
	}
	c.transport.Store(int32(t))
	c.notify()
}

// meet is the client's side of the beginning. It waits for the server until ctx ends.
func (c *Conn) meet(ctx context.Context, s *settings) error {
	stop := context.AfterFunc(ctx, func() { c.door.SetReadDeadline(time.Unix(1, 0)) })
	err := c.answerOffer(s)
	if !stop() {
		return context.Cause(ctx)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the server closed the connection before it said anything; it may be ending (%w)", io.ErrUnexpectedEOF)
	}
	return err
}

func (c *Conn) answerOffer(s *settings) error {
	h, o, err := receiveHello(c.door)
	if err != nil {
		return err
	}
	m, err := takeOffer(h, o, s)
	switch {
	case errors.Is(err, breezeway.ErrMismatch):
		return err
	case err != nil:
		s.tellPlain(c.name, err)
	}
	if m == nil {
		return c.acceptPlain()
	}
	return c.acceptShared(h, m)
}

// takeOffer maps the memory that the server offers, if it does and s doesn't say not to.
func takeOffer(h hello, o origin, s *settings) (*memory, error) {
	switch {
	case !h.shared:
		return nil, nil
	case s.Plain:
		o.forget()
		return nil, nil
	}
	return takeMemory(o, h)
}

// acceptShared says so. If the server has closed already its end is found in the memory.
func (c *Conn) acceptShared(h hello, m *memory) (err error) {
	c.memory = m
	c.in, c.out = m.ends(h, false)
	if c.bells.bell, err = newBell(c.door); err == nil {
		_, err = c.door.Write([]byte{acceptShared})
	}
	if err != nil && !errors.Is(err, io.ErrClosedPipe) {
		c.settle(Undecided)
		return err
	}
	c.settle(SharedMemory)
	return nil
}

// acceptPlain says so, and waits until the server has heard it. If that has closed
// already Read finds the end.
func (c *Conn) acceptPlain() error {
	answer := []byte{acceptPlain}
	_, err := c.door.Write(answer)
	if err == nil {
		_, err = io.ReadFull(c.door, answer)
	}
	switch {
	case err != nil && err != io.EOF && !errors.Is(err, io.ErrClosedPipe):
		return err
	case answer[0] != acceptPlain:
		return fmt.Errorf("the server answers %q (%w)", answer, breezeway.ErrMismatch)
	}
	c.settle(Plain)
	return nil
}

// leftAlone notes that the other end's socket has closed.
func (c *Conn) leftAlone() {
	c.gone.Store(true)
	c.notify()
}
