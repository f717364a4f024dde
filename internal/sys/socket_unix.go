//go:build unix && !linux

package sys

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Socket returns a non-blocking Unix socket that children don't inherit.
// typ is unix.SOCK_STREAM or unix.SOCK_DGRAM; the caller owns the descriptor.
func Socket(typ int) (fd int, err error) {
	// No SOCK_CLOEXEC here: ForkLock keeps a concurrent fork out until the
	// flag is set.
	syscall.ForkLock.RLock()
	fd, err = unix.Socket(unix.AF_UNIX, typ, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
