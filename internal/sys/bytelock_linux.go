package sys

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

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
			return false, explainOFD("F_OFD_SETLK", err)
		}
	}
}

// UnlockByte gives up what TryLockByte took.
func UnlockByte(f *os.File, at int64) error {
	lock := unix.Flock_t{Type: unix.F_UNLCK, Start: at, Len: 1}
	return explainOFD("F_OFD_SETLK", unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock))
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
			return false, explainOFD("F_OFD_GETLK", err)
		}
	}
}

// explainOFD says what is missing if a kernel or sandbox doesn't know the command. Its
// other locks belong to processes, not to open files: closing any descriptor of the file
// would drop them.
func explainOFD(command string, err error) error {
	if err == unix.EINVAL {
		return fmt.Errorf("this system has no locks that belong to an open file (fcntl %s, since Linux 3.15), which tell when a process has died (%w): %w",
			command, errors.ErrUnsupported, err)
	}
	return os.NewSyscallError("fcntl "+command, err)
}

// CountLockedBytes returns how many bytes from start up to end other open files have
// locked as TryLockByte does.
func CountLockedBytes(f *os.File, start, end int64) (int, error) {
	if start >= end {
		return 0, nil
	}
	// The kernel tells of one lock, not of the first.
	lock := unix.Flock_t{Type: unix.F_WRLCK, Start: start, Len: end - start}
	switch err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock); {
	case err == unix.EINTR:
		return CountLockedBytes(f, start, end)
	case err != nil:
		return 0, explainOFD("F_OFD_GETLK", err)
	case lock.Type == unix.F_UNLCK:
		return 0, nil
	}
	first, last := max(lock.Start, start), end
	if lock.Len > 0 {
		last = min(lock.Start+lock.Len, end)
	}
	before, err := CountLockedBytes(f, start, first)
	if err != nil {
		return 0, err
	}
	after, err := CountLockedBytes(f, last, end)
	return before + int(last-first) + after, err
}
