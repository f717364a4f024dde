package socket

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/breezeway-ipc/breezeway"
)

// tcpBound is a listening TCP socket.
type tcpBound struct{ *net.TCPListener }

func bindTCP(ctx context.Context, address string) (bound, error) {
	l, err := (&net.ListenConfig{Control: keepOthersOut}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, explainBind(explain(err))
	}
	return tcpBound{l.(*net.TCPListener)}, nil
}

func (l tcpBound) Release() error { return l.TCPListener.Close() }

func (l tcpBound) admit(breezeway.Peer) error { return nil }

func (l tcpBound) tookOver() bool { return false }

func (l tcpBound) file() (*os.File, error) { return l.TCPListener.File() }

// explainBind says what to do about an address that can't be had.
func explainBind(err error) error {
	if isInUse(err) {
		return fmt.Errorf("a server already listens there; stop it or choose another port (%w, %w)", os.ErrExist, err)
	}
	return err
}

func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	if err = explain(err); isRefused(err) {
		return nil, &absentError{fmt.Errorf("no server listens there; start it first, or wait for it%s (%w, %w)", orWait, os.ErrNotExist, err)}
	}
	return nil, err
}
