package sys

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/windows"
)

var reOpenFile = kernel32.NewProc("ReOpenFile")

// Reopen opens f's file once more, for reading and writing, as an open file of
// its own, even if it has lost its name.
func Reopen(f *os.File) (*os.File, error) {
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, _, err := reOpenFile.Call(f.Fd(), windows.GENERIC_READ|windows.GENERIC_WRITE, share, 0)
	runtime.KeepAlive(f)
	if windows.Handle(h) == windows.InvalidHandle {
		return nil, fmt.Errorf("can't open the file once more: %w", os.NewSyscallError("ReOpenFile", err))
	}
	return os.NewFile(h, f.Name()), nil
}

// TryLockByte takes an exclusive lock on one byte of the file, which need not
// exist, or reports false if another handle has it. The system drops the lock
// when f is closed.
func TryLockByte(f *os.File, at int64) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	o := windows.Overlapped{Offset: uint32(at), OffsetHigh: uint32(at >> 32)}
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &o)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, os.NewSyscallError("LockFileEx", err)
}

// UnlockByte gives up what TryLockByte took.
func UnlockByte(f *os.File, at int64) error {
	o := windows.Overlapped{Offset: uint32(at), OffsetHigh: uint32(at >> 32)}
	return os.NewSyscallError("UnlockFileEx", windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, &o))
}

// IsByteLocked reports whether another handle has what TryLockByte takes. It
// takes a shared lock for a moment, which several can at once; a TryLockByte at
// that moment fails.
func IsByteLocked(f *os.File, at int64) (bool, error) {
	o := windows.Overlapped{Offset: uint32(at), OffsetHigh: uint32(at >> 32)}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &o)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return true, nil
	}
	if err != nil {
		return false, os.NewSyscallError("LockFileEx", err)
	}
	return false, UnlockByte(f, at)
}
