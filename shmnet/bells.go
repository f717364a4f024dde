package shmnet

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
)

// bells is how a connection with shared memory hears the socket. Of the two sides that
// may park, the first one listens, in the runtime's poller; it notifies the other, and
// leaves the socket to it when it goes.
type bells struct {
	c        *Conn
	bell     *bell
	listener atomic.Pointer[side]

	data, space uint64 // heard so far; the listener's
}

// sleep parks s until there may be something to look at. It may return too early.
func (b *bells) sleep(s *side) {
	s.asleep.Store(true)
	defer s.asleep.Store(false)
	if !b.listener.CompareAndSwap(nil, s) {
		// The listener, when it goes, looks for those that sleep: it then sees this one,
		// or this one has seen that there is none.
		<-s.news
		return
	}
	if !s.hasNews() {
		b.listen()
	}
	b.listener.Store(nil)
	for _, other := range []*side{&b.c.rd, &b.c.wr} {
		if other != s && other.asleep.Load() {
			other.notify()
		}
	}
}

// interrupt ends the wait of the listener, or the next one.
func (b *bells) interrupt() { _ = b.c.door.SetReadDeadline(time.Unix(1, 0)) }

// listen waits for bells, for the end of the other process, and for interrupt.
func (b *bells) listen() {
	heard, err := b.bell.hear()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		// Before the caller looks at what it may have been interrupted for.
		_ = b.c.door.SetReadDeadline(time.Time{})
		return
	case err != nil || len(heard) == 0:
		b.c.leftAlone()
		return
	}
	if err := b.pass(heard); err != nil {
		b.c.breakOff(err)
	}
}

// pass notifies the sides that bells are for. The other end rings at most once for each
// time that this end announced that it parks; more bells break the connection, so that
// they keep no processor busy.
func (b *bells) pass(heard []byte) error {
	for _, what := range heard {
		switch what {
		case bellData:
			b.data++
			b.c.rd.wake()
		case bellSpace:
			b.space++
			b.c.wr.wake()
		default:
			return fmt.Errorf("the other side rings with byte %#x (%w)", what, breezeway.ErrMismatch)
		}
	}
	if b.data > b.c.rd.announced.Load() || b.space > b.c.wr.announced.Load() {
		return fmt.Errorf("the other side rings without being asked to (%w)", breezeway.ErrMismatch)
	}
	return nil
}
