package sys

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Seals returns the seals of f: unix.F_SEAL_SHRINK and so on. It fails on what
// can't be sealed.
func Seals(f *os.File) (int, error) {
	seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	return seals, os.NewSyscallError("fcntl F_GET_SEALS", err)
}

// AddSeals adds seals to f, a memfd.
func AddSeals(f *os.File, seals int) error {
	_, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals)
	if err == unix.EINVAL {
		return fmt.Errorf("this system has no seals (fcntl F_ADD_SEALS, since Linux 3.17), which fix the size of memory without a name; use a named segment (%w): %w",
			errors.ErrUnsupported, err)
	}
	return os.NewSyscallError("fcntl F_ADD_SEALS", err)
}
