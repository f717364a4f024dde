package socket

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/acceptor"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// ErrHandedOver says that a successor has the listener: see [Config.HandOver]. It is a
// [net.ErrClosed] too.
var ErrHandedOver = fail.Errorf("a successor has taken the listener; serve what is open and end (%w)", net.ErrClosed)

// Listener accepts the connections of a socket. It implements [net.Listener]. All methods
// may be called concurrently. The errors of a nil or zero Listener are [os.ErrInvalid].
type Listener struct {
	bound     bound
	transport transport
	address   string
	cfg       settings

	crew     acceptor.Crew
	shakes   *acceptor.Handshakes[net.Conn, *tls.Conn] // nil without TLS
	arrivals *acceptor.Acceptor[*Conn]
	closeErr error
	handover *handover // nil without Config.HandOver
	handed   atomic.Bool

	accepted, refused, open atomic.Int64
}

// bound is a socket that listens.
type bound interface {
	Accept() (net.Conn, error)
	Addr() net.Addr
	// Close gives the name up. Release only ends listening in this process.
	Close() error
	Release() error
	// admit decides on a client.
	admit(breezeway.Peer) error
	// tookOver reports whether the socket of a killed server was replaced.
	tookOver() bool
	// file returns a duplicate of the descriptor.
	file() (*os.File, error)
}

// ListenerStats is what a [Listener] has done so far.
type ListenerStats struct {
	Accepted int64 // connections that Accept returned or is about to return
	Open     int64 // those of them that are not closed at this end
	Refused  int64 // clients of a user that is not admitted, or whose handshake failed
	TookOver bool  // Listen replaced the socket of a server that had died
}

// Listen listens for connections. The caller must Close the listener to give the address
// up; if the process dies the address is free at once.
//
// An address that a server listens at fails with [os.ErrExist], and so does a path that
// belongs to another user or to something that is not a socket. While another process that
// takes the same path is stopped, Listen waits for it for 10 s and then fails with
// [os.ErrDeadlineExceeded]. A directory that is missing or not writable fails with
// [os.ErrNotExist] or [os.ErrPermission]; an unknown transport, a bad address, or an option
// that means nothing there with [os.ErrInvalid]. A Unix socket whose peer's user can't be
// learned, as on Windows, fails with [errors.ErrUnsupported].
func Listen(network, address string, cfg *Config) (*Listener, error) {
	return ListenContext(context.Background(), network, address, cfg)
}

// ListenContext is [Listen] whose waits for other processes, those that take the same path
// and the one before of Config.HandOver, end with the cause of ctx too. The listener does
// not end with ctx.
func ListenContext(ctx context.Context, network, address string, cfg *Config) (*Listener, error) {
	n, err := transportOf(network)
	if err != nil {
		return nil, fail.With(breezeway.OpListen, n.name, address, err)
	}
	l, err := listen(ctx, n, address, cfg)
	return l, fail.With(breezeway.OpListen, n.name, address, err)
}

func listen(ctx context.Context, n transport, address string, cfg *Config) (*Listener, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	s, err := cfg.listening(n, address)
	if err != nil {
		return nil, err
	}
	if s.HandOver != "" {
		return listenOrSucceed(ctx, n, address, s)
	}
	b, err := bind(ctx, n, address, &s)
	if err != nil {
		return nil, err
	}
	return newListener(b, n, address, s), nil
}

// listening checks what is for listeners.
func (c *Config) listening(n transport, address string) (settings, error) {
	s, err := c.settings(n)
	if err != nil {
		return s, err
	}
	if err := s.checkHandOver(n, address); err != nil {
		return s, err
	}
	if n.tls {
		if s.TLS, err = s.serverTLS(); err != nil {
			return s, err
		}
	}
	if n.local {
		return s, checkUnix(n, address, &s)
	}
	return s, checkHostPort(address)
}

func bind(ctx context.Context, n transport, address string, s *settings) (bound, error) {
	if n.local {
		return bindUnix(ctx, n, address, s)
	}
	return bindTCP(ctx, address)
}

func newListener(b bound, n transport, address string, s settings) *Listener {
	l := &Listener{bound: b, transport: n, address: address, cfg: s}
	if b.tookOver() {
		l.note(slog.LevelInfo, "took over the name of a server that had died")
	}
	next := l.acceptOne
	if n.tls {
		l.shakes = acceptor.NewHandshakes(l.acceptRaw, l.shake, l.refuseHandshake, s.HandshakeTimeout)
		next = l.acceptShaken
	}
	l.arrivals = acceptor.New(next, &l.crew, s.MaxConns)
	if n.tls {
		l.shakes.Start()
	}
	return l
}

// acceptOne waits for a client that the rule admits.
func (l *Listener) acceptOne() (*Conn, error) {
	for {
		raw, err := l.acceptRaw()
		if err != nil {
			return nil, err
		}
		peer, err := peerOf(raw)
		if err == nil {
			err = l.bound.admit(peer)
		}
		if err != nil {
			raw.Close()
			l.refused.Add(1)
			l.tell(slog.LevelWarn, refusedClient, "peer", peer.String(), "reason", err)
			continue
		}
		return l.admitted(raw, raw, peer), nil
	}
}

func (l *Listener) acceptRaw() (net.Conn, error) {
	c, err := l.bound.Accept()
	switch {
	case err != nil && l.handed.Load():
		return nil, ErrHandedOver
	case err != nil && l.arrivals.IsClosed():
		return nil, net.ErrClosed
	}
	return c, explain(err)
}

// admitted makes the connection that the Acceptor returns, whose Close gives back the slot
// that the Acceptor has taken for it.
func (l *Listener) admitted(c, raw net.Conn, peer breezeway.Peer) *Conn {
	l.accepted.Add(1)
	l.open.Add(1)
	return newConn(c, raw, l.transport, l.address, peer, l.ended)
}

const refusedClient = "refused a client"

// ended is called when a connection was closed.
func (l *Listener) ended() {
	l.open.Add(-1)
	l.arrivals.Free()
}

// tell tells the Logger, which may close the listener: it is for the crew's goroutines.
func (l *Listener) tell(level slog.Level, what string, args ...any) {
	l.crew.Leave(func() { l.note(level, what, args...) })
}

// note is tell for goroutines that Close doesn't wait for.
func (l *Listener) note(level slog.Level, what string, args ...any) {
	l.cfg.Logger.Log(context.Background(), level, what, append([]any{"network", l.transport.name, "address", l.address}, args...)...)
}

// Accept waits for the next connection, which is a [*Conn]. It ends with [net.ErrClosed]
// when the listener is closed, with [ErrHandedOver] when a successor has it, and with
// [os.ErrDeadlineExceeded] at the deadline.
//
// Clients that the access rule refuses, and those whose handshake fails, are closed
// without being returned.
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
	c, err := l.arrivals.Accept(ctx)
	return c, l.fail(breezeway.OpAccept, err)
}

// valid reports whether Listen or Activated made l.
func (l *Listener) valid() bool { return l != nil && l.bound != nil }

var errNoListener = fmt.Errorf("the Listener is nil or zero; use one that Listen returned (%w)", os.ErrInvalid)

func (l *Listener) fail(op string, err error) error {
	if !l.valid() {
		return fail.With(op, "socket", "", err)
	}
	return fail.With(op, l.transport.name, l.address, err)
}

// Close gives the address up and ends every Accept, of this listener only, with
// [net.ErrClosed]. Clients that were not accepted lose their connection; accepted
// connections go on. What a successor has taken, or systemd owns, stays. It waits for no
// other process, but for a successor that is just taking the listener, for at most 1 s:
// one that has not done so then listens anew. Closing again does nothing. The Logger may call it.
func (l *Listener) Close() error {
	if !l.valid() {
		return l.fail(breezeway.OpClose, errNoListener)
	}
	l.arrivals.Close(func() {
		if l.handover != nil {
			l.handover.settle()
		}
		if err := l.bound.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			l.closeErr = err
		}
		if l.handover != nil { // now that the address is free for one that takes this path
			l.handover.Close()
		}
		if l.shakes != nil {
			l.shakes.Close()
		}
	})
	return l.fail(breezeway.OpClose, l.closeErr)
}

// Addr returns the socket's address: a [*net.UnixAddr] or [*net.TCPAddr].
func (l *Listener) Addr() net.Addr {
	if !l.valid() {
		return (*net.UnixAddr)(nil)
	}
	return l.bound.Addr()
}

// SetDeadline bounds present and future calls of Accept; the zero time removes the bound.
func (l *Listener) SetDeadline(t time.Time) error {
	if !l.valid() {
		return l.fail(breezeway.OpSetDeadline, errNoListener)
	}
	return l.fail(breezeway.OpSetDeadline, l.arrivals.SetDeadline(t))
}

// Stats returns what l has done so far. It may be called after Close.
func (l *Listener) Stats() ListenerStats {
	if !l.valid() {
		return ListenerStats{}
	}
	return ListenerStats{
		Accepted: l.accepted.Load(),
		Open:     l.open.Load(),
		Refused:  l.refused.Load(),
		TookOver: l.bound.tookOver(),
	}
}
