package python

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/acceptor"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Listener accepts clients as a multiprocessing.connection.Listener does. All methods may
// be called concurrently. The errors of a nil or zero Listener are [os.ErrInvalid].
type Listener struct {
	l        net.Listener
	cfg      Config
	crew     acceptor.Crew
	shakes   *acceptor.Handshakes[net.Conn, *Conn]
	arrivals *acceptor.Acceptor[*Conn]
	closeErr error
}

// NewListener accepts Python's clients at l, which is that of any package: of package
// socket at a path for Client("/run/app.sock"), at 127.0.0.1:6000 for
// Client(("127.0.0.1", 6000)). It owns l.
func NewListener(l net.Listener, cfg *Config) (*Listener, error) {
	s, err := cfg.checked()
	if err == nil && l == nil {
		err = fmt.Errorf("the listener is nil (%w)", os.ErrInvalid)
	}
	if err != nil {
		return nil, fail.With(breezeway.OpListen, kindConn, "", err)
	}
	n := &Listener{l: l, cfg: s}
	n.shakes = acceptor.NewHandshakes(l.Accept, n.shake, n.refuse, s.HandshakeTimeout)
	n.arrivals = acceptor.New(n.shakes.Next, &n.crew, 0)
	n.shakes.Start()
	return n, nil
}

func (l *Listener) shake(ctx context.Context, c net.Conn) (*Conn, error) {
	return Server(ctx, c, &l.cfg)
}

func (l *Listener) refuse(c net.Conn, err error) {
	l.cfg.Logger.Log(context.Background(), slog.LevelWarn, "refused a client", "address", c.RemoteAddr().String(), "reason", err)
}

// Accept waits for the next client whose handshake has succeeded. Others are closed
// without being returned, and keep none waiting. It ends with [net.ErrClosed] when the
// listener is closed, and with the cause of ctx; then it takes no client from another
// Accept.
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	if !l.valid() {
		return nil, fail.With(breezeway.OpAccept, kindConn, "", errNoListener)
	}
	c, err := l.arrivals.Accept(ctx)
	return c, fail.With(breezeway.OpAccept, kindConn, "", err)
}

// Close closes the listener below and ends every Accept with [net.ErrClosed]. Connections
// that were accepted go on. Closing again does nothing.
func (l *Listener) Close() error {
	if !l.valid() {
		return fail.With(breezeway.OpClose, kindConn, "", errNoListener)
	}
	l.arrivals.Close(func() {
		if err := l.l.Close(); !errors.Is(err, net.ErrClosed) {
			l.closeErr = err
		}
		l.shakes.Close()
	})
	return fail.With(breezeway.OpClose, kindConn, "", l.closeErr)
}

// SetDeadline bounds present and future calls of Accept; the zero time removes the bound.
func (l *Listener) SetDeadline(t time.Time) error {
	if !l.valid() {
		return fail.With(breezeway.OpSetDeadline, kindConn, "", errNoListener)
	}
	return fail.With(breezeway.OpSetDeadline, kindConn, "", l.arrivals.SetDeadline(t))
}

// Addr returns the address of the listener below.
func (l *Listener) Addr() net.Addr {
	if !l.valid() {
		return (*net.UnixAddr)(nil)
	}
	return l.l.Addr()
}

var errNoListener = fmt.Errorf("the Listener is nil or zero; use one that NewListener returned (%w)", os.ErrInvalid)

func (l *Listener) valid() bool { return l != nil && l.l != nil }
