package sys

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Reopen opens f's file once more, for reading and writing, as an open file of its own,
// even if it has lost its name.
func Reopen(f *os.File) (*os.File, error) {
	fd, err := reopen(int(f.Fd()), f.Name(), unix.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("can't open the file once more: %w", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// reopen opens once more what fd is open on. Without /proc it goes by the name, which must
// still lead to the file.
func reopen(fd int, name string, flags int) (int, error) {
	again, err := openDescriptor("/proc/self/fd/"+strconv.Itoa(fd), flags)
	if !errors.Is(err, unix.ENOENT) {
		return again, err
	}
	// It could be a FIFO's or a link's by now.
	again, err = openDescriptor(name, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK)
	if err == nil && isSameFile(fd, again) {
		return again, nil
	}
	if err == nil {
		unix.Close(again)
	}
	return -1, fmt.Errorf("there is no /proc/self/fd, and the name %q doesn't lead to the file any more: mount /proc (%w)", name, errors.ErrUnsupported)
}

func openDescriptor(path string, flags int) (int, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, os.NewSyscallError("open", err)
		}
	}
}

func isSameFile(a, b int) bool {
	var x, y unix.Stat_t
	return unix.Fstat(a, &x) == nil && unix.Fstat(b, &y) == nil && x.Dev == y.Dev && x.Ino == y.Ino
}
