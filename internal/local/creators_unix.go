//go:build unix

package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/internal/watch"
	"golang.org/x/sys/unix"
)

// creatorsLockBound is how long a creator waits for another one. The lock is
// held for a few system calls, so a process that exceeds it was stopped (SIGSTOP).
const creatorsLockBound = 10 * time.Second

// lockCreators keeps out every other process of this user that would create or
// remove endpoints in dir. The lock is a file in dir that exists only while a
// process holds or awaits it. A killed holder leaves the file behind, without
// harm, and the next holder removes it.
//
// Other users need no lock against us: they can't replace our files where the
// directory protects them, and where it doesn't a lock would not help.
func lockCreators(dir string) (unlock func(), err error) {
	path := filepath.Join(dir, ".breezeway."+strconv.Itoa(os.Geteuid())+".lock")
	ctx, cancel := context.WithTimeout(context.Background(), creatorsLockBound)
	defer cancel()
	var pause watch.Backoff
	for {
		f, err := tryLockCreators(path)
		if err != nil {
			return nil, err
		}
		if f != nil {
			killpoint.Here("creators locked")
			return func() {
				// Removed before the lock falls, so that the process that locks
				// it next finds the path gone and starts over.
				os.Remove(path)
				killpoint.Here("creators unlocking")
				f.Close()
			}, nil
		}
		if pause.Sleep(ctx) != nil {
			return nil, fmt.Errorf("another process has held %s for %v; is it stopped? (%w)",
				path, creatorsLockBound, os.ErrDeadlineExceeded)
		}
	}
}

// tryLockCreators returns nil without an error if another process holds the
// lock or removed its file meanwhile.
func tryLockCreators(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		if info, statErr := os.Lstat(path); statErr == nil && ownerOf(info) != os.Geteuid() {
			return nil, squatted(path, info)
		}
		return nil, explainDir(filepath.Dir(path), err)
	}
	mine, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if ownerOf(mine) != os.Geteuid() {
		f.Close()
		return nil, squatted(path, mine)
	}
	locked, err := sys.TryFlock(f)
	if err != nil || !locked {
		f.Close()
		return nil, err
	}
	current, err := os.Lstat(path)
	if err != nil || !os.SameFile(mine, current) {
		f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return nil, nil
	}
	return f, nil
}

func squatted(path string, info fs.FileInfo) error {
	return fmt.Errorf("%s belongs to uid %d and may have been put there to keep uid %d from listening in this directory (%w)",
		path, ownerOf(info), os.Geteuid(), os.ErrPermission)
}

// explainDir says which directory is at fault, and which variable chose it.
func explainDir(dir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the directory %s does not exist%s (%w)", dir, chosenByTMPDIR(dir), fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EROFS):
		return fmt.Errorf("the directory %s is not writable for uid %d%s (%w)", dir, os.Geteuid(), chosenByTMPDIR(dir), fs.ErrPermission)
	}
	return err
}

func chosenByTMPDIR(dir string) string {
	if os.Getenv("TMPDIR") == "" || filepath.Clean(os.TempDir()) != filepath.Clean(dir) {
		return ""
	}
	return "; it was chosen by the environment variable TMPDIR"
}
