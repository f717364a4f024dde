package shmnet

import (
	"context"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// Pair makes a connection that has no name: conn is this process's end, and child the
// other one, for a process that this one starts, as [pipe.Pair] does. The child opens it
// with [FromFile]. Linux and other Unix systems only: [errors.ErrUnsupported] on Windows.
func Pair(cfg *Config) (conn *Conn, child *os.File, err error) {
	conn, child, err = newPair(cfg)
	return conn, child, wrap(breezeway.OpNew, "", err)
}

func newPair(cfg *Config) (*Conn, *os.File, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, nil, err
	}
	door, child, err := pipe.Pair(s.pipe())
	if err != nil {
		return nil, nil, err
	}
	c := newConn(door, "", Addr(""), &s)
	if err := c.offer(&s); err != nil {
		c.Close()
		child.Close()
		return nil, nil, err
	}
	return c, child, nil
}

// FromFile returns the connection whose descriptor was inherited as f: the end that
// [Pair] made for this process. It takes f over, also if it fails.
func FromFile(ctx context.Context, f *os.File, cfg *Config) (*Conn, error) {
	c, err := fromFile(ctx, f, cfg)
	return c, wrap(breezeway.OpInherited, "", err)
}

func fromFile(ctx context.Context, f *os.File, cfg *Config) (*Conn, error) {
	s, err := cfg.settings()
	if err != nil {
		f.Close()
		return nil, err
	}
	door, err := pipe.FromFile(f, s.pipe())
	if err != nil {
		return nil, err
	}
	c := newConn(door, "", Addr(""), &s)
	if err := c.meet(ctx, &s); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}
