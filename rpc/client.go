package rpc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Client calls objects of a server over one connection, which it makes again when it is
// lost. All methods may be called concurrently.
type Client struct {
	dial    func(context.Context) (net.Conn, error) // nil: there is one connection only
	cfg     settings
	objects registry
	dialing chan struct{} // held while a connection is made
	dials   dials
	current atomic.Pointer[link]
	ctx     context.Context // ends with Close
	cancel  context.CancelCauseFunc

	mu    sync.Mutex
	links map[*link]bool // the current one, and those whose answers are still read
}

// Dial connects to a server by a function that makes a connection, and presents the token
// if there is one. dial is called again by the first call after the connection was lost:
// for named pipes, for instance, it calls pipe.Dial. Dial fails with what dial returned, or
// with an [*Error] that is [os.ErrPermission] if the server refuses.
func Dial(ctx context.Context, dial func(context.Context) (net.Conn, error), cfg *Config) (*Client, error) {
	c, err := newClient(cfg)
	if err == nil && dial == nil {
		err = fmt.Errorf("the function that connects is nil (%w)", os.ErrInvalid)
	}
	if err == nil {
		c.dial = dial
		_, err = c.link(ctx)
	}
	if err != nil {
		return nil, failed(breezeway.OpDial, "", err)
	}
	return c, nil
}

// NewClient is Dial over a connection that exists: when it is lost, so is the client. The
// client owns conn, also if NewClient fails.
func NewClient(ctx context.Context, conn net.Conn, cfg *Config) (*Client, error) {
	c, err := newClient(cfg)
	if err == nil {
		err = c.use(ctx, conn)
	}
	if err != nil {
		if conn != nil {
			conn.Close()
		}
		return nil, failed(breezeway.OpDial, "", err)
	}
	return c, nil
}

func newClient(cfg *Config) (*Client, error) {
	s, err := cfg.settings()
	switch {
	case err != nil:
		return nil, err
	case s.Insecure:
		return nil, fmt.Errorf("a client has no use for %s (%w)", fail.Go("Config.Insecure"), os.ErrInvalid)
	case cfg != nil && cfg.MaxConns != 0:
		return nil, fmt.Errorf("a client has no use for %s (%w)", fail.Go("Config.MaxConns"), os.ErrInvalid)
	}
	c := &Client{cfg: s, dialing: make(chan struct{}, 1), links: map[*link]bool{}}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	return c, nil
}

// link returns the connection, and makes one if there is none.
func (c *Client) link(ctx context.Context) (*link, error) {
	if l := c.current.Load(); l != nil && l.takes() {
		return l, nil
	}
	begun := c.dials.begun.Load()
	select {
	case c.dialing <- struct{}{}:
		defer func() { <-c.dialing }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.ctx.Done():
		return nil, net.ErrClosed
	}
	l := c.current.Load()
	switch {
	case c.ctx.Err() != nil:
		return nil, net.ErrClosed
	case l != nil && l.takes():
		return l, nil
	case c.dial == nil:
		return nil, l.lost()
	case c.dials.failed > begun:
		return nil, c.dials.err
	}
	return c.connect(ctx)
}

// dials are the connections that were tried one after the other. A call shares the failure of
// one that began after it did: calls that wait would otherwise dial one after the other, and
// the last of them wait for as many times as long as a dial takes to fail.
type dials struct {
	begun  atomic.Uint64
	failed uint64 // begun at the last one that failed by itself; Client.dialing is held
	err    error  // of that one
}

// connect makes a connection. c.dialing is held.
func (c *Client) connect(ctx context.Context) (*link, error) {
	n := c.dials.begun.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.ctx, func() { cancel(net.ErrClosed) })()
	conn, err := c.dial(ctx)
	if err != nil {
		err = &dialError{explainTLS(err, clientTrust)}
	} else {
		err = c.use(ctx, conn)
	}
	if err != nil {
		// The end of ctx is this call's alone. A dial may fail for its deadline before it has ended.
		if _, limited := ctx.Deadline(); ctx.Err() == nil && !(limited && isTimeout(err)) {
			c.dials.failed, c.dials.err = n, err
		}
		return nil, err
	}
	return c.current.Load(), nil
}

// use makes conn the connection.
func (c *Client) use(ctx context.Context, conn net.Conn) error {
	if conn == nil {
		return fmt.Errorf("the connection is nil (%w)", os.ErrInvalid)
	}
	l := newLink(conn, &c.cfg, &c.objects, false)
	l.authorized.Store(true)
	if !c.add(l) {
		conn.Close()
		return net.ErrClosed
	}
	go func() {
		l.run()
		c.remove(l)
	}()
	if err := l.present(ctx); err != nil {
		l.close(err)
		return err
	}
	c.current.Store(l)
	return nil
}

// add makes a connection one that Close ends, unless it was called.
func (c *Client) add(l *link) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return false
	}
	c.links[l] = true
	return true
}

func (c *Client) remove(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.links, l)
}

// present presents the token.
func (l *link) present(ctx context.Context) error {
	if l.cfg.Token == "" {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, l.cfg.ReadTimeout,
		fmt.Errorf("the server did not answer to the token within %v (%w)", l.cfg.ReadTimeout, os.ErrDeadlineExceeded))
	defer cancel()
	params, err := encode([]any{l.cfg.Token})
	if err != nil {
		return err
	}
	_, err = l.call(ctx, authenticateMethod, params)
	return err
}

// dialError is an error of the caller's dial function.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// errNoClient is the error of a Client that is nil or zero.
var errNoClient = fmt.Errorf("the Client is nil or zero; use one that Dial or NewClient returned (%w)", os.ErrInvalid)

func (c *Client) valid() bool { return c != nil && c.ctx != nil }

func (c *Client) do(ctx context.Context, idempotent bool, f func(*link) error) error {
	if !c.valid() {
		return errNoClient
	}
	var pause backoff
	for again := true; ; {
		l, err := c.link(ctx)
		if err == nil {
			err = f(l)
		}
		var unsent *unsentError
		switch {
		case again && c.dial != nil && errors.As(err, &unsent): // it ended meanwhile
			again = false
			continue
		case err == nil, !idempotent, c.dial == nil, !passes(err), c.ctx.Err() != nil:
			return err
		}
		if ended := pause.sleep(ctx, c.ctx.Done()); ended != nil {
			return fmt.Errorf("%w; the last try: %w", ended, err)
		}
	}
}

// backoff yields the pauses between tries: 1 ms, and each time twice as much, up to longestPause.
type backoff struct{ last time.Duration }

// longestPause is short for a server that starts again, and long for the processor.
const longestPause = 500 * time.Millisecond

// sleep pauses until closed at most, or returns the cause of the end of ctx.
func (b *backoff) sleep(ctx context.Context, closed <-chan struct{}) error {
	b.last = min(max(2*b.last, time.Millisecond), longestPause)
	timer := time.NewTimer(b.last)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
	case <-closed:
	}
	return nil
}

// passes reports whether an error may be gone with another connection.
func passes(err error) bool {
	for _, final := range []error{os.ErrPermission, os.ErrInvalid, breezeway.ErrMismatch, breezeway.ErrTooLarge, errors.ErrUnsupported} {
		if errors.Is(err, final) {
			return false
		}
	}
	var answered *Error
	if errors.As(err, &answered) && !errors.Is(err, ErrLost) { // otherwise it is what it said before it closed
		return answered.Code == CodeShuttingDown || answered.Code == CodeBusy
	}
	var dialled *dialError
	return errors.As(err, &dialled) || errors.Is(err, ErrLost)
}

// Object returns an object of the server by its name. With name "" the methods are the
// server's functions.
func (c *Client) Object(name string) *Object { return &Object{name: name, via: c} }

// Describe returns what the server has registered.
func (c *Client) Describe(ctx context.Context) ([]ObjectInfo, error) {
	var objects []ObjectInfo
	err := c.do(ctx, true, func(l *link) error {
		result, err := l.call(ctx, describeMethod, nil)
		if err != nil {
			return err
		}
		return decode(result, &objects)
	})
	return objects, failed(breezeway.OpCall, describeMethod, err)
}

// Register makes an object available to the server, for callbacks: see [Server.Register]
// and [Incoming.Caller].
func (c *Client) Register(name string, object any) error {
	if !c.valid() {
		return failed(breezeway.OpRegister, name, errNoClient)
	}
	return failed(breezeway.OpRegister, name, c.objects.object(name, object))
}

// RegisterFunc makes a function available to the server: see [Server.RegisterFunc].
func (c *Client) RegisterFunc(name string, f any) error {
	if !c.valid() {
		return failed(breezeway.OpRegister, name, errNoClient)
	}
	return failed(breezeway.OpRegister, name, c.objects.function(name, f))
}

// Done returns a channel that is closed when the connection has ended: it was lost, or the
// server or Close closed it. A client that Dial returned makes another one for its next call,
// and Done then returns another channel. That the server has gone is noticed within 2 ms
// if its system tells it, as it does for processes that end on this machine.
func (c *Client) Done() <-chan struct{} {
	if !c.valid() {
		ended := make(chan struct{})
		close(ended)
		return ended
	}
	return c.current.Load().ctx.Done()
}

// Err returns why the connection has ended: [ErrLost] with the reason, or [net.ErrClosed]
// after Close. It is nil while there is one.
func (c *Client) Err() error {
	if !c.valid() {
		return failed(breezeway.OpRead, "", errNoClient)
	}
	if c.ctx.Err() != nil {
		return failed(breezeway.OpRead, "", net.ErrClosed)
	}
	if l := c.current.Load(); !l.alive() {
		return failed(breezeway.OpRead, "", l.lost())
	}
	return nil
}

// Close ends the connection. Calls that are under way fail with [net.ErrClosed]; what the
// server executes for them is cancelled. Close waits until callbacks have returned, so it
// must not be called by one, and until the system has taken notifications: for up to 2 s,
// and not longer than until the deadline of the context that they were sent with.
// Closing again does nothing.
func (c *Client) Close() error {
	if !c.valid() {
		return failed(breezeway.OpClose, "", errNoClient)
	}
	c.mu.Lock()
	c.cancel(net.ErrClosed)
	links := slices.Collect(maps.Keys(c.links))
	c.mu.Unlock()
	for _, l := range links {
		if until, ok := l.out.owes(); ok {
			l.blame(errClosedHere)
			l.out.finishBy(earliest(until, time.Now().Add(flushTime)))
			l.end(errClosedHere)
		} else {
			l.close(errClosedHere)
		}
	}
	for _, l := range links {
		<-l.ended
	}
	return nil
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
