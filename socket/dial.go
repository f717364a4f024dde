package socket

import (
	"context"
	"errors"
	"net"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/watch"
)

// Dial connects to the server that listens at address, as [Listen] takes it. It fails at
// once, with [os.ErrNotExist], if no server listens. It waits for a server that is merely
// busy, and for a handshake, until ctx ends.
//
// On a Unix socket a server of another user is refused with [os.ErrPermission] unless
// Config.Trust names that user, and so is another user's socket before it is connected to,
// and a symbolic link in the path that another user owns or could replace. With "tls" a
// server whose certificate is not trusted is [os.ErrPermission]. What is no socket, of
// another type, or speaks no TLS, is [breezeway.ErrMismatch].
func Dial(ctx context.Context, network, address string, cfg *Config) (*Conn, error) {
	return open(ctx, network, address, cfg, dial)
}

// DialWait is [Dial] that waits for the server to appear until ctx ends. A Breezeway
// server at a path is met on Linux the moment it listens; other servers, and all on other
// systems, within 50 ms.
func DialWait(ctx context.Context, network, address string, cfg *Config) (*Conn, error) {
	return open(ctx, network, address, cfg, func(ctx context.Context, n transport, address string, s *settings) (*Conn, error) {
		c, err := dial(ctx, n, address, s)
		if err == nil || !isAbsent(err) {
			return c, err
		}
		server := newWaiter(n, address)
		defer server.Close()
		for {
			c, err := dial(ctx, n, address, s)
			if err == nil || !isAbsent(err) {
				return c, err
			}
			if err := server.Wait(ctx); err != nil {
				return nil, err
			}
		}
	})
}

// waiter waits until a server may have come.
type waiter interface {
	Wait(ctx context.Context) error
	Close()
}

func newWaiter(n transport, address string) waiter {
	if n.local && !isAbstract(address) {
		return watch.NewName(address)
	}
	return new(pauses)
}

// pauses waits for what raises no event.
type pauses struct{ watch.Backoff }

func (p *pauses) Wait(ctx context.Context) error { return p.Sleep(ctx) }
func (p *pauses) Close()                         {}

// absentError is that of a server that isn't there, or not yet.
type absentError struct{ err error }

func (e *absentError) Error() string { return e.err.Error() }
func (e *absentError) Unwrap() error { return e.err }

func isAbsent(err error) bool {
	var absent *absentError
	return errors.As(err, &absent)
}

// orWait ends the advice about a server that isn't there.
const orWait = fail.Go(" with DialWait")

type dialFunc = func(ctx context.Context, n transport, address string, s *settings) (*Conn, error)

func open(ctx context.Context, network, address string, cfg *Config, dial dialFunc) (*Conn, error) {
	n, err := transportOf(network)
	if err != nil {
		return nil, fail.With(breezeway.OpDial, n.name, address, err)
	}
	c, err := openChecked(ctx, n, address, cfg, dial)
	return c, fail.With(breezeway.OpDial, n.name, address, err)
}

func openChecked(ctx context.Context, n transport, address string, cfg *Config, dial dialFunc) (*Conn, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	s, err := cfg.settings(n)
	if err != nil {
		return nil, err
	}
	if n.local {
		err = checkUnix(n, address, &s)
	} else {
		err = checkHostPort(address)
	}
	if err != nil {
		return nil, err
	}
	return dial(ctx, n, address, &s)
}

func dial(ctx context.Context, n transport, address string, s *settings) (*Conn, error) {
	var c, raw net.Conn
	var err error
	peer := unknownPeer()
	switch {
	case n.local:
		raw, peer, err = dialUnix(ctx, n, address, s)
		c = raw
	case n.tls:
		c, raw, err = dialTLS(ctx, address, s)
	default:
		raw, err = dialTCP(ctx, address)
		c = raw
	}
	if err != nil {
		return nil, err
	}
	return newConn(c, raw, n, address, peer, func() {}), nil
}
