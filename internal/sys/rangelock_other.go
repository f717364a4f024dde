//go:build unix && !linux

package sys

import (
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// HasRangeLocks says whether a RangeLock can be for less than a whole file.
const HasRangeLocks = false

// LockNeedsWrite says that an exclusive RangeLock needs a file that is open for
// writing.
const LockNeedsWrite = false

// RangeLock is a lock on a whole file by flock(2), or what waits for it: the
// other locks of this system belong to a process, which loses them when it
// closes any descriptor of the file. It has an open file of its own, so that it
// excludes every other one, of this process too. The kernel drops it when the
// process dies.
type RangeLock struct {
	of   Range
	file *os.File

	mu      sync.Mutex
	closing chan struct{} // closed by Close
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
	return &RangeLock{of: of, file: file, closing: make(chan struct{})}, nil
}

// Try takes the lock, or reports false if that would have to wait.
func (l *RangeLock) Try() (bool, error) {
	how := unix.LOCK_SH | unix.LOCK_NB
	if l.of.Exclusive {
		how = unix.LOCK_EX | unix.LOCK_NB
	}
	for {
		switch err := unix.Flock(int(l.file.Fd()), how); err {
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

// Wait waits for the lock. Close ends it with [os.ErrClosed].
func (l *RangeLock) Wait() error { return poll(&l.mu, l.closing, l.Try) }

// Close gives up the lock. The first call decides.
func (l *RangeLock) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closing:
		return nil
	default:
		close(l.closing)
	}
	// A child that is just being started may have the descriptor until it runs
	// its program, so closing would not be enough.
	err := os.NewSyscallError("flock", unix.Flock(int(l.file.Fd()), unix.LOCK_UN))
	l.file.Close()
	return err
}
