package shmnet

import (
	"context"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// Dial connects to the server that listens at name, as [Listen] takes it. It fails at
// once, with [os.ErrNotExist], if no server listens, and waits for one that is merely
// busy, or stopped, until ctx ends. Which servers are trusted is as in [pipe.Dial]. What
// is no server of this package is [breezeway.ErrMismatch].
func Dial(ctx context.Context, name string, cfg *Config) (*Conn, error) {
	return open(ctx, name, cfg, pipe.Dial)
}

// DialWait is [Dial] that waits for the server to appear until ctx ends; see
// [pipe.DialWait].
func DialWait(ctx context.Context, name string, cfg *Config) (*Conn, error) {
	return open(ctx, name, cfg, pipe.DialWait)
}

type dialFunc = func(ctx context.Context, name string, cfg *pipe.Config) (*pipe.Conn, error)

func open(ctx context.Context, name string, cfg *Config, dial dialFunc) (*Conn, error) {
	c, err := openChecked(ctx, name, cfg, dial)
	return c, wrap(breezeway.OpDial, name, err)
}

func openChecked(ctx context.Context, name string, cfg *Config, dial dialFunc) (*Conn, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	at, err := pipeName(name)
	if err != nil {
		return nil, err
	}
	door, err := dial(ctx, at, s.pipe())
	if err != nil {
		return nil, err
	}
	c := newConn(door, name, Addr(door.RemoteAddr().String()), &s)
	if err := c.meet(ctx, &s); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}
