//go:build unix

package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// TryFlock takes an exclusive lock on f's open file, or reports false if
// another open file of the same file holds it. The kernel drops the lock when
// the last descriptor of this open file closes.
func TryFlock(f *os.File) (bool, error) {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch err {
		case nil:
			return true, nil
		case unix.EWOULDBLOCK:
			return false, nil
		case unix.EINTR:
		default:
			return false, err
		}
	}
}
