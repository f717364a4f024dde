package pipe

import (
	"errors"
	"os"
)

// checkOpen returns os.ErrClosed if f is closed.
func checkOpen(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return closedFile(raw.Control(func(uintptr) {}))
}

// checkReadable returns what a Read of f fails with before it asks the system:
// os.ErrClosed, or os.ErrDeadlineExceeded.
func checkReadable(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return closedFile(raw.Read(func(uintptr) bool { return true }))
}

// closedFile returns the sentinel for an error of a call that fails only on a closed
// file or at a deadline: os has none for a closed one there.
func closedFile(err error) error {
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, os.ErrNoDeadline) {
		return err
	}
	return os.ErrClosed
}
