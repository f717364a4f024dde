//go:build unix

package local

import (
	"context"
	"errors"
	"net"

	"github.com/breezeway-ipc/breezeway/internal/watch"
	"golang.org/x/sys/unix"
)

// Dial connects to the socket at path. A full backlog means that the server is
// busy, not absent, so Dial waits for that and for nothing else. Polling would not
// help: the kernel wakes no poller when a backlog gets room.
func Dial(ctx context.Context, path string) (*net.UnixConn, error) {
	var d net.Dialer
	var pause watch.Backoff
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		c, err := d.DialContext(ctx, "unix", path)
		switch {
		case err == nil:
			return c.(*net.UnixConn), nil
		case errors.Is(err, unix.EAGAIN):
			if err := pause.Sleep(ctx); err != nil {
				return nil, err
			}
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		default:
			return nil, err
		}
	}
}

// IsAbsent reports whether err of [Dial] means that no server is there.
func IsAbsent(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED)
}
