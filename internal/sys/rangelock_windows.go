package sys

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync"

	"golang.org/x/sys/windows"
)

// HasFlock says whether there is flock(2).
const HasFlock = false

// HasRangeLocks reports whether a RangeLock can lock less than a whole file.
const HasRangeLocks = true

// LockNeedsWrite says that an exclusive RangeLock needs a file that is open for
// writing.
const LockNeedsWrite = false

// OpenAnything are no flags: opening a file never waits.
const OpenAnything = 0

// RangeLock is a lock on a range of a file, or a wait for one. It has a handle of
// its own, so that it excludes every other RangeLock, also those of this process.
// The system drops it when the process dies.
type RangeLock struct {
	of     Range
	handle windows.Handle

	mu       sync.Mutex
	closed   bool
	locked   bool
	waiting  bool
	attempt  windows.Overlapped // of Wait, while it waits
	finished windows.Handle     // the event of that
}

// NewRangeLock opens f's file once more, for what f was opened for. Nothing is
// locked yet.
func NewRangeLock(f *os.File, of Range) (*RangeLock, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	l := &RangeLock{of: of}
	controlErr := conn.Control(func(fd uintptr) {
		// To read is enough for every lock.
		const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
		h, _, callErr := reOpenFile.Call(fd, windows.GENERIC_READ, share, windows.FILE_FLAG_OVERLAPPED)
		if l.handle = windows.Handle(h); l.handle == windows.InvalidHandle {
			err = os.NewSyscallError("ReOpenFile", callErr)
		}
	})
	if controlErr != nil {
		return nil, os.ErrClosed
	}
	if err == nil {
		if l.finished, err = windows.CreateEvent(nil, 1, 0, nil); err != nil {
			err = os.NewSyscallError("CreateEvent", err)
			windows.CloseHandle(l.handle)
		}
	}
	return l, err
}

// Try takes the lock, or reports false if that would have to wait.
func (l *RangeLock) Try() (bool, error) {
	err := l.start(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if err == windows.ERROR_IO_PENDING {
		err = l.finish()
	}
	if err == windows.ERROR_LOCK_VIOLATION {
		return false, nil
	}
	l.locked = err == nil
	return l.locked, os.NewSyscallError("LockFileEx", err)
}

// Wait waits for the lock, on a thread of its own. Close ends it with
// [os.ErrClosed]. Under Wine it fails with [errors.ErrUnsupported].
func (l *RangeLock) Wait() error {
	if isWine() {
		return errWineWait
	}
	// Begun under the mutex, so that Close finds it not begun or pending.
	l.mu.Lock()
	if l.closed {
		defer l.mu.Unlock()
		return os.ErrClosed
	}
	l.waiting = true
	err := l.start(0)
	l.mu.Unlock()
	if err == windows.ERROR_IO_PENDING {
		err = l.finish()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting, l.locked = false, err == nil
	if l.closed {
		l.release()
		return os.ErrClosed
	}
	return os.NewSyscallError("LockFileEx", err)
}

// start asks for the lock. The system uses l.attempt until the event is set.
func (l *RangeLock) start(flags uint32) error {
	if l.of.Exclusive {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	l.attempt = l.at()
	windows.ResetEvent(l.finished)
	n := l.length()
	return windows.LockFileEx(l.handle, flags, 0, uint32(n), uint32(n>>32), &l.attempt)
}

func (l *RangeLock) finish() error {
	var n uint32
	return windows.GetOverlappedResult(l.handle, &l.attempt, &n, true)
}

// Close gives up the lock, and ends Wait. Closing again does nothing.
func (l *RangeLock) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if l.waiting {
		// It fails if the attempt has just ended; then Wait gives up the lock.
		windows.CancelIoEx(l.handle, &l.attempt)
		return nil
	}
	return l.release()
}

// release unlocks first: closing the handles alone would drop the lock later.
func (l *RangeLock) release() (err error) {
	if l.locked {
		o := l.at()
		n := l.length()
		err = os.NewSyscallError("UnlockFileEx", windows.UnlockFileEx(l.handle, 0, uint32(n), uint32(n>>32), &o))
	}
	windows.CloseHandle(l.handle)
	windows.CloseHandle(l.finished)
	return err
}

func (l *RangeLock) at() windows.Overlapped {
	return windows.Overlapped{Offset: uint32(l.of.Offset), OffsetHigh: uint32(l.of.Offset >> 32), HEvent: l.finished}
}

func (l *RangeLock) length() uint64 {
	if l.of.Length == 0 {
		return math.MaxUint64 - uint64(l.of.Offset)
	}
	return uint64(l.of.Length)
}

var errWineWait = fmt.Errorf("under Wine LockFileEx never ends a wait (%w)", errors.ErrUnsupported)

var isWine = sync.OnceValue(func() bool { return ntdll.NewProc("wine_get_version").Find() == nil })
