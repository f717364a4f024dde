package sys

import (
	"golang.org/x/sys/unix"
)

// Socket returns a non-blocking Unix socket that children don't inherit.
// typ is unix.SOCK_STREAM or unix.SOCK_DGRAM; the caller owns the descriptor.
func Socket(typ int) (fd int, err error) {
	return unix.Socket(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
}
