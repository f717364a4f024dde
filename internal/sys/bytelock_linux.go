package sys

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Reopen opens f's file once more, for reading and writing, as an open file of
// its own, even if it has lost its name.
func Reopen(f *os.File) (*os.File, error) {
	fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(int(f.Fd())), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("can't open the file once more: %w", ExplainSelfFD(os.NewSyscallError("open", err)))
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// TryLockByte takes an exclusive lock on one byte of the file, which need not
// exist, or reports false if another open file has it. The kernel drops the lock
// when f is closed, in all processes that have it.
func TryLockByte(f *os.File, at int64) (bool, error) {
	lock := unix.Flock_t{Type: unix.F_WRLCK, Start: at, Len: 1}
	for {
		switch err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock); err {
		case nil:
			return true, nil
		case unix.EAGAIN, unix.EACCES:
			return false, nil
		case unix.EINTR:
		default:
			return false, os.NewSyscallError("fcntl F_OFD_SETLK", err)
		}
	}
}

// UnlockByte gives up what TryLockByte took.
func UnlockByte(f *os.File, at int64) error {
	lock := unix.Flock_t{Type: unix.F_UNLCK, Start: at, Len: 1}
	return os.NewSyscallError("fcntl F_OFD_SETLK", unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock))
}

// IsByteLocked reports whether another open file has what TryLockByte takes.
func IsByteLocked(f *os.File, at int64) (bool, error) {
	lock := unix.Flock_t{Type: unix.F_WRLCK, Start: at, Len: 1}
	for {
		switch err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock); err {
		case nil:
			return lock.Type != unix.F_UNLCK, nil
		case unix.EINTR:
		default:
			return false, os.NewSyscallError("fcntl F_OFD_GETLK", err)
		}
	}
}
