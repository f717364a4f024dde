package sys

import (
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// HasRangeLocks reports whether a RangeLock can lock less than a whole file.
const HasRangeLocks = true

// LockNeedsWrite says that an exclusive RangeLock, unless by flock(2), needs a
// file that is open for writing.
const LockNeedsWrite = true

// RangeLock is a lock on a range of a file, or a wait for one. It has an open file
// of its own, so that it excludes every other RangeLock, also those of this process.
// The kernel drops it when the process dies.
type RangeLock struct {
	of Range
	fd int

	mu     sync.Mutex
	closed bool
	thread int // the thread that is in Wait, or 0
	blank  int // a descriptor that no lock can be taken on, while thread is not 0
}

// NewRangeLock opens f's file once more, for what f was opened for, even if the file
// has lost its name. Nothing is locked yet.
func NewRangeLock(f *os.File, of Range) (*RangeLock, error) {
	if of.Flock && !of.wholeFile() {
		return nil, errWholeFile
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	l := &RangeLock{of: of}
	controlErr := conn.Control(func(fd uintptr) {
		var flags int
		if flags, err = unix.FcntlInt(fd, unix.F_GETFL, 0); err != nil {
			err = os.NewSyscallError("fcntl F_GETFL", err)
			return
		}
		l.fd, err = reopen(int(fd), f.Name(), flags&unix.O_ACCMODE)
	})
	if controlErr != nil {
		return nil, os.ErrClosed
	}
	return l, err
}

// Try takes the lock, or reports false if that would have to wait.
func (l *RangeLock) Try() (bool, error) {
	switch err := l.lock(false); err {
	case nil:
		return true, nil
	case unix.EAGAIN, unix.EACCES:
		return false, nil
	default:
		return false, l.failed(err)
	}
}

// Wait waits for the lock, on a thread of its own. Close ends it with
// [os.ErrClosed].
func (l *RangeLock) Wait() error {
	blank, err := openDescriptor("/", unix.O_PATH)
	if err != nil {
		return err
	}
	defer unix.Close(blank)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	l.mu.Lock()
	if l.closed {
		defer l.mu.Unlock()
		return os.ErrClosed
	}
	l.thread, l.blank = unix.Gettid(), blank
	l.mu.Unlock()

	err = l.lock(true)

	l.mu.Lock()
	defer l.mu.Unlock()
	l.thread = 0
	if l.closed {
		unix.Close(l.fd)
		return os.ErrClosed
	}
	return l.failed(err)
}

// Close gives up the lock, and ends Wait. Closing again does nothing.
//
// A signal alone does not end Wait: the runtime has interrupted calls start over
// (SA_RESTART). So Close first puts another file under the descriptor. A call that
// starts after that, or starts over, fails; a call that the signal finds in the
// kernel, or about to sleep there, starts over. If a call has just got the lock, the
// lock went with its open file.
func (l *RangeLock) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if l.thread != 0 {
		unix.Dup3(l.blank, l.fd, unix.O_CLOEXEC) // both are open, so it can't fail
		Interrupt(l.thread)
		return nil
	}
	// A child that is just being started may have the descriptor until it runs
	// its program, so closing would not be enough.
	err := l.failed(l.unlock())
	unix.Close(l.fd)
	return err
}

func (l *RangeLock) lock(wait bool) error {
	operation, kind := unix.LOCK_SH, unix.F_RDLCK
	if l.of.Exclusive {
		operation, kind = unix.LOCK_EX, unix.F_WRLCK
	}
	command := unix.F_OFD_SETLKW
	if !wait {
		operation |= unix.LOCK_NB
		command = unix.F_OFD_SETLK
	}
	return l.call(operation, command, &unix.Flock_t{Type: int16(kind), Start: l.of.Offset, Len: l.of.Length})
}

func (l *RangeLock) unlock() error {
	return l.call(unix.LOCK_UN, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK})
}

func (l *RangeLock) call(operation, command int, lock *unix.Flock_t) error {
	for {
		var err error
		if l.of.Flock {
			err = unix.Flock(l.fd, operation)
		} else {
			err = unix.FcntlFlock(uintptr(l.fd), command, lock)
		}
		if err != unix.EINTR {
			return err
		}
	}
}

func (l *RangeLock) failed(err error) error {
	if l.of.Flock {
		return os.NewSyscallError("flock", err)
	}
	return explainOFD("F_OFD_SETLK", err)
}
