package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/watch"
	"github.com/breezeway-ipc/breezeway/pipe"
)

var fifoScheme = Scheme{
	Name: "fifo", Options: []string{"trust"}, check: wholePath,
	Listen: func(_ context.Context, u *URL) (net.Listener, error) {
		cfg := &pipe.FIFOConfig{Trust: u.Texts("trust")}
		if u.err != nil {
			return nil, u.err
		}
		if _, err := pipe.StatFIFO(u.Name); err != nil {
			return nil, orMakeFIFO(u, err)
		}
		l := &fifoListener{path: u.Name, cfg: cfg}
		l.ctx, l.close = context.WithCancelCause(context.Background())
		return l, nil
	},
	Dial: dialFIFO,
	DialWait: func(ctx context.Context, u *URL) (net.Conn, error) {
		made := watch.NewName(u.Name)
		defer made.Close()
		for {
			c, err := dialFIFO(ctx, u)
			if !errors.Is(err, os.ErrNotExist) {
				return c, err
			}
			if err := made.Wait(ctx); err != nil {
				return nil, err
			}
		}
	},
}

// orMakeFIFO says what to do where there is no FIFO.
func orMakeFIFO(u *URL, err error) error {
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return fail.With(breezeway.OpListen, "fifo", u.Name, fmt.Errorf("%w; make it with %s", fail.Bare(err), fail.Go("MakeFIFO")))
}

func dialFIFO(ctx context.Context, u *URL) (net.Conn, error) {
	cfg := &pipe.FIFOConfig{Trust: u.Texts("trust")}
	if u.err != nil {
		return nil, u.err
	}
	f, err := pipe.OpenFIFO(ctx, u.Name, pipe.Out, cfg)
	if err != nil {
		return nil, err
	}
	return fifoConn{f}, nil
}

// fifoListener opens a FIFO for reading as often as writers come.
type fifoListener struct {
	path  string
	cfg   *pipe.FIFOConfig
	ctx   context.Context // ends with Close
	close context.CancelCauseFunc
}

func (l *fifoListener) Accept() (net.Conn, error) {
	f, err := pipe.OpenFIFO(l.ctx, l.path, pipe.In, l.cfg)
	if err != nil {
		return nil, err
	}
	return fifoConn{f}, nil
}

func (l *fifoListener) Close() error {
	l.close(net.ErrClosed)
	return nil
}

func (l *fifoListener) Addr() net.Addr { return address{"fifo", l.path} }

// fifoConn is one end of a FIFO. It reads, or it writes.
type fifoConn struct{ *pipe.FIFO }

func (c fifoConn) LocalAddr() net.Addr  { return address{"fifo", c.Name()} }
func (c fifoConn) RemoteAddr() net.Addr { return address{"fifo", c.Name()} }

// address is the address of what package net has none for.
type address struct{ network, text string }

func (a address) Network() string { return a.network }
func (a address) String() string  { return a.text }
