package endpoint

import (
	"context"
	"net"

	"github.com/breezeway-ipc/breezeway"
)

var (
	listening = what[net.Listener]{breezeway.OpListen, "listeners",
		func(s *Scheme) func(context.Context, *URL) (net.Listener, error) { return s.Listen }}
	dialling = what[net.Conn]{breezeway.OpDial, "connections",
		func(s *Scheme) func(context.Context, *URL) (net.Conn, error) { return s.Dial }}
	dialWaiting = what[net.Conn]{breezeway.OpDial, "connections",
		func(s *Scheme) func(context.Context, *URL) (net.Conn, error) { return s.DialWait }}
)

// Listen listens for connections at a URL. The caller closes the listener. ctx bounds the
// waits for other processes that a Unix socket and hand-over need, not the listener's life;
// the other schemes look at it before they begin.
//
// It fails with [context.Cause] when ctx ends, and otherwise as the Listen of the scheme's
// package does; with [os.ErrInvalid] for a bad URL, and with [errors.ErrUnsupported] for a
// scheme without connections.
func Listen(ctx context.Context, url string) (net.Listener, error) {
	return listening.open(ctx, url, nil)
}

// Dial connects to the server at a URL. It fails at once, with [os.ErrNotExist], if there is
// none, and otherwise as the Dial of the scheme's package does; with [os.ErrInvalid] for a
// bad URL, and with [errors.ErrUnsupported] for a scheme without connections.
func Dial(ctx context.Context, url string) (net.Conn, error) {
	return dialling.open(ctx, url, nil)
}

// DialWait is [Dial] that waits for a server until ctx ends.
func DialWait(ctx context.Context, url string) (net.Conn, error) {
	return dialWaiting.open(ctx, url, nil)
}

// asConn returns what a package's Dial returned. A nil *Conn is no nil net.Conn.
func asConn[C net.Conn](c C, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

func asListener[L net.Listener](l L, err error) (net.Listener, error) {
	if err != nil {
		return nil, err
	}
	return l, nil
}
