package acceptor

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Acceptor hands connections that one goroutine accepts to any number of Accepts, each
// of which ends by its own context. Its methods may be called concurrently.
type Acceptor[C io.Closer] struct {
	next  func() (C, error)
	slots chan struct{} // holds one element per open connection; nil without a bound
	crew  *Crew

	start    sync.Once
	arrivals chan arrival[C]
	deadline deadline
	closing  sync.Once
	closed   chan struct{}
}

type arrival[C io.Closer] struct {
	conn C
	err  error
}

// New returns an Acceptor of what next returns. next waits for a connection; Close does
// not end it. crew gets the goroutine that calls it. If most is above 0, so many
// connections are open at a time: [Acceptor.Free] says that one has ended.
func New[C io.Closer](next func() (C, error), crew *Crew, most int) *Acceptor[C] {
	a := &Acceptor[C]{
		next: next, crew: crew,
		arrivals: make(chan arrival[C]),
		deadline: makeDeadline(),
		closed:   make(chan struct{}),
	}
	if most > 0 {
		a.slots = make(chan struct{}, most)
	}
	return a
}

// Accept returns the next connection, or what next failed with. It fails with
// [net.ErrClosed], the cause of ctx or [os.ErrDeadlineExceeded], and then takes no
// connection from another Accept. What has ended already is reported even if a
// connection waits.
func (a *Acceptor[C]) Accept(ctx context.Context) (none C, err error) {
	switch {
	case a.IsClosed():
		return none, net.ErrClosed
	case ctx.Err() != nil:
		return none, context.Cause(ctx)
	case isDone(a.deadline.passed()):
		return none, os.ErrDeadlineExceeded
	}
	a.start.Do(func() { a.crew.Run(a.acceptAll) })
	select {
	case got := <-a.arrivals:
		if got.err != nil && a.IsClosed() {
			return none, net.ErrClosed // which may be why next failed
		}
		return got.conn, got.err
	case <-a.closed:
		return none, net.ErrClosed
	case <-ctx.Done():
		return none, context.Cause(ctx)
	case <-a.deadline.passed():
		return none, os.ErrDeadlineExceeded
	}
}

// acceptAll hands connections to Accept, one at a time, until Close. The one accepted
// connection that is in hand is kept for the next Accept.
func (a *Acceptor[C]) acceptAll() {
	for a.takeSlot() {
		c, err := a.next()
		if err != nil {
			a.Free()
		}
		select {
		case a.arrivals <- arrival[C]{c, err}:
		case <-a.closed:
			if err == nil {
				c.Close()
			}
			return
		}
	}
}

// takeSlot waits until a connection may be opened. It reports false after Close.
func (a *Acceptor[C]) takeSlot() bool {
	if a.slots == nil {
		return !a.IsClosed()
	}
	select {
	case a.slots <- struct{}{}:
		return true
	case <-a.closed:
		return false
	}
}

// Free says that a connection was closed.
//
// Preconditions:
//   - next has returned the connection
//   - Free was not called for it before
func (a *Acceptor[C]) Free() {
	if a.slots != nil {
		<-a.slots
	}
}

// SetDeadline bounds present and future calls of Accept; the zero time removes the
// bound. It fails with [net.ErrClosed].
func (a *Acceptor[C]) SetDeadline(t time.Time) error {
	if a.IsClosed() {
		return net.ErrClosed
	}
	a.deadline.set(t)
	return nil
}

// Done is closed by Close.
func (a *Acceptor[C]) Done() <-chan struct{} { return a.closed }

// IsClosed reports whether Close was called.
func (a *Acceptor[C]) IsClosed() bool { return isDone(a.closed) }

// Close ends every Accept with [net.ErrClosed] and then calls stop, which makes next
// return. When the crew has ended it returns. Closing again waits for the first.
func (a *Acceptor[C]) Close(stop func()) {
	a.closing.Do(func() {
		close(a.closed)
		stop()
		a.start.Do(func() {}) // no Accept starts it any more
		a.crew.Wait()
		a.deadline.set(time.Time{})
	})
}
