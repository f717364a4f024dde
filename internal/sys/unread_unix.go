//go:build unix && !linux

package sys

import (
	"errors"
	"fmt"
)

// Unread is not available: the system doesn't count what a Unix socket's peer
// has not read.
func Unread(fd int) (n int, lost bool, err error) {
	return 0, false, fmt.Errorf("the system does not tell what a peer has not read yet (%w)", errors.ErrUnsupported)
}

// CanWrite reports true: whether the peer has ended reading is told to a write only.
func CanWrite(int) bool { return true }
