package object

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// unlinkingByte is the byte that a process locks while it removes the file's name. It is
// beyond the bytes of slots (package liveness), of which a named object has less than
// 2^16.
const unlinkingByte = 1<<62 + 1<<16 - 1

// unlinkingTime is how long unlink waits for another process that does the same. That
// takes microseconds, unless the process is stopped in the middle.
const unlinkingTime = time.Second

func unlink(f *os.File) (bool, error) {
	if err := lockToUnlink(f); err != nil {
		return false, err
	}
	defer sys.UnlockByte(f, unlinkingByte)
	if same, err := leadsTo(f, f.Name()); err != nil || !same {
		return false, err
	}
	killpoint.Here("object to be unlinked")
	err := os.Remove(f.Name())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // a program without the lock was faster
	}
	return err == nil, explainOpen(f.Name(), err)
}

// MayUnlink fails if this user may not remove the name of the open file f. It changes
// nothing.
func MayUnlink(f *os.File) error {
	// The kernel asks for the rights before it finds that a regular file is no directory.
	err := unix.Rmdir(f.Name())
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return explainOpen(f.Name(), os.NewSyscallError("unlink", err))
}

func lockToUnlink(f *os.File) error {
	for end := time.Now().Add(unlinkingTime); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if locked, err := sys.TryLockByte(f, unlinkingByte); err != nil || locked {
			return err
		}
	}
	return fmt.Errorf("another process is removing it, and has not done so for %v: it may be stopped (%w)", unlinkingTime, os.ErrDeadlineExceeded)
}

// leadsTo reports whether path leads to the open file f.
func leadsTo(f *os.File, path string) (bool, error) {
	ours, err := f.Stat()
	if err != nil {
		return false, fail.Bare(err)
	}
	there, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(ours, there), fail.Bare(err)
}
