//go:build unix && !linux

package sys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// HasRangeLocks reports whether a RangeLock can lock less than a whole file.
const HasRangeLocks = false

// LockNeedsWrite says that an exclusive RangeLock needs a file that is open for
// writing.
const LockNeedsWrite = false

// RangeLock is a lock on a whole file by flock(2): the other locks of this system
// belong to a process, which loses them when it closes any descriptor of the file.
// It has an open file of its own, so that it excludes every other RangeLock, also
// those of this process. The kernel drops it when the process dies.
type RangeLock struct {
	of   Range
	file *os.File

	closing sync.Once
	err     error // of Close
}

// NewRangeLock opens the file that f's name leads to. Nothing is locked yet. It
// fails with [fs.ErrNotExist] if that is not f's file any more.
func NewRangeLock(f *os.File, of Range) (*RangeLock, error) {
	if !of.wholeFile() {
		return nil, errWholeFile
	}
	want, err := f.Stat()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(f.Name(), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	got, err := file.Stat()
	if err == nil && !os.SameFile(want, got) {
		err = fmt.Errorf("the path leads to another file by now (%w)", fs.ErrNotExist)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return &RangeLock{of: of, file: file}, nil
}

// Try takes the lock, or reports false if that would have to wait.
func (l *RangeLock) Try() (bool, error) {
	operation := unix.LOCK_SH | unix.LOCK_NB
	if l.of.Exclusive {
		operation = unix.LOCK_EX | unix.LOCK_NB
	}
	for {
		switch err := unix.Flock(int(l.file.Fd()), operation); err {
		case nil:
			return true, nil
		case unix.EWOULDBLOCK:
			return false, nil
		case unix.EINTR:
		default:
			return false, os.NewSyscallError("flock", err)
		}
	}
}

// Wait is not available: flock(2) can't be cancelled.
func (l *RangeLock) Wait() error {
	return fmt.Errorf("the system has no wait for a lock that can be cancelled (%w)", errors.ErrUnsupported)
}

// Close gives up the lock. Closing again does nothing.
func (l *RangeLock) Close() error {
	l.closing.Do(func() {
		// A child that is just being started may have the descriptor until it runs
		// its program, so closing would not be enough.
		l.err = os.NewSyscallError("flock", unix.Flock(int(l.file.Fd()), unix.LOCK_UN))
		l.file.Close()
	})
	return l.err
}
