//go:build unix

package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/watch"
	"golang.org/x/sys/unix"
)

// Dial connects to the socket at path, if trust trusts its owner and no other user can
// lead the path elsewhere. A full backlog means that the server is busy, not absent,
// so Dial waits for that and for nothing else. Polling would not help: the kernel
// wakes no poller when a backlog gets room.
func Dial(ctx context.Context, path string, trust access.Rule) (*net.UnixConn, error) {
	return DialNetwork(ctx, "unix", path, trust)
}

// DialNetwork is [Dial] for package net's networks "unix" and "unixpacket".
func DialNetwork(ctx context.Context, network, path string, trust access.Rule) (*net.UnixConn, error) {
	var pause watch.Backoff
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		// Without ctx: connecting never waits, and package net would report a
		// deadline of ctx in its own words.
		c, err := dialOnce(network, path, trust)
		if !errors.Is(err, unix.EAGAIN) {
			return c, err
		}
		if err := pause.Sleep(ctx); err != nil {
			return nil, err
		}
	}
}

func dialOnce(network, path string, trust access.Rule) (*net.UnixConn, error) {
	at, err := find(path)
	if err != nil {
		return nil, err
	}
	defer at.close()
	if err := at.check(trust); err != nil {
		return nil, err
	}
	c, err := at.connect(network)
	if errors.Is(err, unix.EACCES) && at.isNew() {
		err = &newSocketError{err}
	}
	return c, err
}

// connect returns the system's error bare: the path may be none that a reader knows.
func connect(network, path string) (*net.UnixConn, error) {
	c, err := net.DialUnix(network, nil, &net.UnixAddr{Name: path, Net: network})
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return c, err
}

// check refuses what is no socket, and a socket whose owner is not trusted. Its owner
// says nothing about the process that listens, but that process can't be identified
// before it accepts, which it may never do.
func (s *socketFile) check(trust access.Rule) error {
	if s.info.Mode().Type() != fs.ModeSocket {
		return unix.ENOTSOCK
	}
	owner := s.info.Sys().(*syscall.Stat_t)
	if err := trust.Trusts(breezeway.Peer{UID: int(owner.Uid), GID: int(owner.Gid)}); err != nil {
		return fmt.Errorf("the socket is another user's: %w", err)
	}
	return nil
}

// isNew reports whether the socket's rights were changed a moment ago. A server sets
// them after it has made the file, so they may not be the last.
func (s *socketFile) isNew() bool {
	const settled = time.Second
	return time.Since(changeTime(s.info)).Abs() < settled
}

// newSocketError is that of a server that is not ready yet, or refuses us.
type newSocketError struct{ err error }

func (e *newSocketError) Error() string { return e.err.Error() }
func (e *newSocketError) Unwrap() error { return e.err }

// IsAbsent reports whether err of [Dial] means that no server is there, or that one may
// just be coming: a server that refuses this process counts as coming for a second.
func IsAbsent(err error) bool {
	var coming *newSocketError
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED) || errors.As(err, &coming)
}
