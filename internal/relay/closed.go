package relay

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// isClosed reports whether an error says that an end, or the process there, has closed.
func isClosed(err error) bool {
	for _, closed := range []error{net.ErrClosed, os.ErrClosed, io.ErrClosedPipe, syscall.EPIPE, syscall.ECONNRESET, syscall.ENOTCONN} {
		if errors.Is(err, closed) {
			return true
		}
	}
	return false
}
