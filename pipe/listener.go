package pipe

import (
	"context"
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

// Listener accepts the connections of a named pipe. It implements
// [net.Listener]. All methods may be called concurrently. The errors of a nil or
// zero Listener are [os.ErrInvalid].
type Listener struct {
	l    *listener
	name string
	cfg  settings

	crew     acceptor.Crew
	arrivals *acceptor.Acceptor[*Conn]
	closeErr error

	accepted, refused, open atomic.Int64
}

// ListenerStats is what a [Listener] has done so far.
type ListenerStats struct {
	Accepted int64 // connections that Accept returned or is about to return
	Open     int64 // those of them that are not closed at this end
	Refused  int64 // clients that the access rule turned away
	TookOver bool  // Listen replaced the socket of a server that had died; false on Windows, where none stays
}

// Listen takes the name and listens for connections. The caller must Close the
// listener to give the name up; if the process dies the name is free at once.
//
// name is a portable name (see [breezeway.CheckName]) or, on Unix, a rooted
// path of at most 107 bytes. On Unix the name chat is the socket
// CoreFxPipe_chat in [os.TempDir], on Windows the pipe \\.\pipe\chat: where
// .NET looks for it too.
//
// On Windows connections hold the name too: it is free when the listener and
// both ends of every connection that it made are closed.
//
// A name that a server listens at fails with [os.ErrExist], and so does one
// that belongs to another user or to something that is not a pipe; the error
// says to which. While another process that takes the same name is stopped, Listen
// waits for it for 10 s and then fails with [os.ErrDeadlineExceeded]. A directory that is missing or not writable fails with
// [os.ErrNotExist] or [os.ErrPermission], a bad name with [os.ErrInvalid]. Where the
// user at the other end can't be learned, on Unix systems other than Linux and macOS,
// Listen and [Dial] fail with [errors.ErrUnsupported].
func Listen(name string, cfg *Config) (*Listener, error) {
	l, err := newListener(name, cfg)
	return l, fail.With(breezeway.OpListen, kindPipe, name, err)
}

func newListener(name string, cfg *Config) (*Listener, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	path, err := pathOf(name, "")
	if err != nil {
		return nil, err
	}
	l, err := listen(path, &s)
	if err != nil {
		return nil, err
	}
	ln := &Listener{l: l, name: name, cfg: s}
	ln.arrivals = acceptor.New(ln.acceptOne, &ln.crew, s.MaxConns)
	ln.guardName()
	return ln, nil
}

// Accept waits for the next connection, which is a [*Conn]. On Unix
// connections come in the order in which their clients connected; Windows
// promises none. It ends with [net.ErrClosed] when the listener is closed and
// with [os.ErrDeadlineExceeded] at the deadline.
//
// On Unix another program may remove the socket: then the listener takes the name
// again, which the Logger is told. If it can't, since another server has the name or
// the directory has gone, no client comes any more: the Logger is told, and Accept
// fails with [os.ErrExist] or what else the reason is, when it has returned the
// clients that had connected before.
//
// Clients that the access rule refuses are closed without being returned.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptContext(context.Background())
	if err != nil {
		return nil, err // not a nil *Conn in the interface
	}
	return c, nil
}

// AcceptContext is [Listener.Accept] that also ends with the cause of ctx. Then
// it takes no connection from another Accept.
func (l *Listener) AcceptContext(ctx context.Context) (*Conn, error) {
	if !l.valid() {
		return nil, l.fail(breezeway.OpAccept, errNoListener)
	}
	c, err := l.arrivals.Accept(ctx)
	return c, l.fail(breezeway.OpAccept, err)
}

// valid reports whether Listen made l.
func (l *Listener) valid() bool { return l != nil && l.l != nil }

var errNoListener = fmt.Errorf("the Listener is nil or zero; use one that Listen returned (%w)", os.ErrInvalid)

func (l *Listener) fail(op string, err error) error {
	name := ""
	if l != nil {
		name = l.name
	}
	return fail.With(op, kindPipe, name, err)
}

// acceptOne waits for a client that the rule admits.
func (l *Listener) acceptOne() (*Conn, error) {
	for {
		s, err := l.l.accept()
		if err != nil {
			return nil, err
		}
		peer, err := s.peer()
		if err == nil {
			err = l.l.admit(s, peer)
		}
		if err != nil {
			l.refused.Add(1)
			s.disconnect()
			l.tell(slog.LevelWarn, "refused a client", "peer", peer.String(), "reason", err)
			continue
		}
		l.accepted.Add(1)
		l.open.Add(1)
		return newConn(s, peer, l.name, l.Addr(), &l.cfg, l.ended), nil
	}
}

// ended is called when a connection was closed.
func (l *Listener) ended() {
	l.open.Add(-1)
	l.arrivals.Free()
}

// tell tells the Logger, which may close the listener.
func (l *Listener) tell(level slog.Level, what string, args ...any) {
	l.crew.Leave(func() {
		l.cfg.Logger.Log(context.Background(), level, what, append([]any{"pipe", l.name}, args...)...)
	})
}

// Close gives the name up and ends every Accept, of this listener only, with
// [net.ErrClosed]. It waits for no other process. Clients that were not accepted lose
// their connection; accepted connections go on. Closing again does nothing. The
// Logger may call it.
func (l *Listener) Close() error {
	if !l.valid() {
		return l.fail(breezeway.OpClose, errNoListener)
	}
	l.arrivals.Close(func() { l.closeErr = l.l.close() })
	return l.fail(breezeway.OpClose, l.closeErr)
}

// Addr returns where the pipe is found, an [Addr].
func (l *Listener) Addr() net.Addr {
	if !l.valid() {
		return Addr("")
	}
	return l.l.addr()
}

// SetDeadline bounds present and future calls of Accept; the zero time removes
// the bound.
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
		TookOver: l.l.tookOver(),
	}
}
