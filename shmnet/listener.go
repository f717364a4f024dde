package shmnet

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// Listener accepts connections. It implements [net.Listener]. All methods may be called
// concurrently. The errors of a nil or zero Listener are [os.ErrInvalid].
type Listener struct {
	door *pipe.Listener
	name string
	addr Addr
	cfg  settings

	conns    chan *Conn // that were not accepted yet
	failures chan error
	closed   chan struct{}
	closing  sync.Once
	closeErr error
	working  sync.WaitGroup

	late side // of which Accept uses the deadline
}

// maxWaiting is how many connections a listener holds until Accept takes them. Further
// clients wait in the system.
const maxWaiting = 128

// Listen takes the name and listens for connections. The caller must Close the listener
// to give the name up; if the process dies the name is free at once.
//
// name is a portable name (see [breezeway.CheckName]) or, on Unix, a rooted path of at
// most 107 bytes. On Unix the name chat is the socket bw.shmnet.chat in [os.TempDir], on
// Windows the pipe \\.\pipe\bw.shmnet.chat. The errors are those of [pipe.Listen].
func Listen(name string, cfg *Config) (*Listener, error) {
	l, err := newListener(name, cfg)
	return l, wrap(breezeway.OpListen, name, err)
}

func newListener(name string, cfg *Config) (*Listener, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	at, err := pipeName(name)
	if err != nil {
		return nil, err
	}
	door, err := pipe.Listen(at, s.pipe())
	if err != nil {
		return nil, err
	}
	l := &Listener{
		door: door, name: name, addr: Addr(door.Addr().String()), cfg: s,
		conns:    make(chan *Conn, maxWaiting),
		failures: make(chan error),
		closed:   make(chan struct{}),
	}
	l.late.init(nil)
	l.working.Go(l.acceptAll)
	return l, nil
}

// acceptAll greets clients, so that their Dial succeeds whether Accept is called or not.
func (l *Listener) acceptAll() {
	for {
		c, err := l.acceptOne()
		if err != nil {
			select {
			case l.failures <- err:
				continue
			case <-l.closed:
				return
			}
		}
		select {
		case l.conns <- c:
		case <-l.closed:
			c.Close()
			return
		}
	}
}

func (l *Listener) acceptOne() (*Conn, error) {
	for {
		door, err := l.door.AcceptContext(context.Background())
		if err != nil {
			return nil, err
		}
		c := newConn(door, l.name, l.addr, &l.cfg)
		if err := c.offer(&l.cfg); err == nil {
			return c, nil
		}
		c.Close() // the client has left
	}
}

// valid reports whether Listen made l.
func (l *Listener) valid() bool { return l != nil && l.door != nil }

var errNoListener = fmt.Errorf("the Listener is nil or zero; use one that Listen returned (%w)", os.ErrInvalid)

func (l *Listener) fail(op string, err error) error {
	if l == nil {
		return fail.With(op, kindShmnet, "", err)
	}
	return wrap(op, l.name, err)
}

// Accept waits for the next connection, which is a [*Conn]. It ends with [net.ErrClosed]
// when the listener is closed and with [os.ErrDeadlineExceeded] at the deadline. What
// becomes of a removed socket and of clients that are refused is as in
// [pipe.Listener.Accept].
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptContext(context.Background())
	if err != nil {
		return nil, err // not a nil *Conn in the interface
	}
	return c, nil
}

// AcceptContext is [Listener.Accept] that also ends with the cause of ctx. Then it takes
// no connection from another Accept.
func (l *Listener) AcceptContext(ctx context.Context) (*Conn, error) {
	if !l.valid() {
		return nil, l.fail(breezeway.OpAccept, errNoListener)
	}
	c, err := l.accept(ctx)
	return c, l.fail(breezeway.OpAccept, err)
}

func (l *Listener) accept(ctx context.Context) (*Conn, error) {
	for {
		// What has ended already is reported even if a connection waits.
		select {
		case <-l.closed:
			return nil, net.ErrClosed
		default:
		}
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case l.late.deadline.passed.Load():
			l.late.notify() // other Accepts, too
			return nil, os.ErrDeadlineExceeded
		}
		select {
		case c := <-l.conns:
			return c, nil
		case err := <-l.failures:
			return nil, err
		case <-l.late.news:
		case <-l.closed:
		case <-ctx.Done():
		}
	}
}

// Close gives the name up and ends every Accept, of this listener only, with
// [net.ErrClosed]. It waits for no other process. Clients that were not accepted lose
// their connection; accepted connections go on. Closing again does nothing.
func (l *Listener) Close() error {
	if !l.valid() {
		return l.fail(breezeway.OpClose, errNoListener)
	}
	l.closing.Do(func() {
		close(l.closed)
		l.closeErr = l.fail(breezeway.OpClose, l.door.Close())
		l.late.deadline.clear()
		l.working.Wait()
		for {
			select {
			case c := <-l.conns:
				c.Close()
				continue
			default:
			}
			return
		}
	})
	return l.closeErr
}

// Addr returns where the server is found, an [Addr].
func (l *Listener) Addr() net.Addr {
	if !l.valid() {
		return Addr("")
	}
	return l.addr
}

// SetDeadline bounds present and future calls of Accept; the zero time removes the
// bound.
func (l *Listener) SetDeadline(t time.Time) error {
	if !l.valid() {
		return l.fail(breezeway.OpSetDeadline, errNoListener)
	}
	select {
	case <-l.closed:
		return l.fail(breezeway.OpSetDeadline, net.ErrClosed)
	default:
	}
	return l.late.deadline.set(t, &l.late)
}

// Stats returns what l has done so far. It may be called after Close. Accepted counts
// connections that wait for Accept, too.
func (l *Listener) Stats() pipe.ListenerStats {
	if !l.valid() {
		return pipe.ListenerStats{}
	}
	return l.door.Stats()
}
