//go:build unix

package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/internal/watch"
	"golang.org/x/sys/unix"
)

// creatorsLockBound is how long a creator waits for others. The lock is held for a
// few system calls, so a process that exceeds it was stopped (SIGSTOP).
const creatorsLockBound = 10 * time.Second

// creatorsLockPath returns where the lock of the endpoint at path is.
func creatorsLockPath(path string) string {
	dir, base := filepath.Split(path) // Dir would resolve a .. after a link wrongly
	return dir + ".breezeway." + base + ".lock"
}

// lockCreators keeps out every other process that would create an endpoint at path,
// whatever user namespace it is in. The lock is a file beside the endpoint that
// exists only while a process holds or awaits it. A killed holder leaves the file
// behind, without harm, and the next holder removes it.
//
// The lock is one user's: another user's file in its place stands for an endpoint that
// is, or is to be, another user's.
func lockCreators(parent context.Context, path string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(parent, creatorsLockBound)
	defer cancel()
	at := creatorsLockPath(path)
	for {
		lock, err := takeCreatorsLock(ctx, at)
		switch {
		case err != nil && parent.Err() != nil:
			return nil, context.Cause(parent)
		case err != nil && err == context.Cause(ctx):
			return nil, fmt.Errorf("another process has held %s for %v; is it stopped? (%w)", at, creatorsLockBound, os.ErrDeadlineExceeded)
		case err != nil:
			return nil, err
		case lock == nil:
			continue
		}
		killpoint.Here("creators locked")
		return func() {
			// Removed before the lock falls, so that the process that locks it next
			// finds the path gone and starts over.
			os.Remove(at)
			killpoint.Here("creators unlocking")
			lock.Close()
		}, nil
	}
}

// takeCreatorsLock waits for the lock, which closing gives up. It returns nil without
// an error if the holder before has removed the file.
func takeCreatorsLock(ctx context.Context, at string) (io.Closer, error) {
	f, err := openCreatorsLock(at)
	if f == nil {
		return nil, err
	}
	mine, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	lock, err := flock(ctx, f)
	if err != nil {
		return nil, err
	}
	current, err := os.Lstat(at)
	if err == nil && os.SameFile(mine, current) {
		return lock, nil
	}
	lock.Close()
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return nil, err
}

// openCreatorsLock opens or makes the lock's file. It returns nil without an error if
// the file came or went meanwhile.
func openCreatorsLock(at string) (*os.File, error) {
	const flags = os.O_RDWR | unix.O_NOFOLLOW | unix.O_NONBLOCK
	f, err := os.OpenFile(at, flags, 0)
	if err == nil {
		info, err := f.Stat()
		if err == nil {
			err = checkCreatorsLock(at, info)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, explainCreatorsLock(at, err)
	}
	f, err = os.OpenFile(at, flags|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, nil
	case err != nil:
		return nil, explainDir(filepath.Dir(at), err)
	}
	// The umask may have taken some of it.
	if err := f.Chmod(0o600); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// explainCreatorsLock says what keeps this process from opening the lock's file. It
// returns nil if that was the file, which is gone.
func explainCreatorsLock(at string, err error) error {
	if !isOfFile(err) {
		return explainDir(filepath.Dir(at), err)
	}
	info, statErr := os.Lstat(at)
	switch {
	case errors.Is(statErr, fs.ErrNotExist):
		return nil
	case statErr != nil:
		return explainDir(filepath.Dir(at), err)
	}
	if strange := checkCreatorsLock(at, info); strange != nil {
		return strange
	}
	return fmt.Errorf("%s, the lock of processes that create the name, can't be opened; remove it if none is starting (%w)", at, err)
}

// isOfFile reports whether err of open may be due to the file that is there. Others,
// such as that this process has no descriptor left, may last.
func isOfFile(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EISDIR) || errors.Is(err, unix.ENXIO)
}

// checkCreatorsLock refuses what another user has put in the lock's place, and what is
// no lock.
func checkCreatorsLock(at string, info fs.FileInfo) error {
	if uid := ownerOf(info); uid != os.Geteuid() {
		return fmt.Errorf("the name is taken by uid %d: %s, the lock of processes that create it, belongs to that user, "+
			"not to this process's uid %d; choose another name (%w)", uid, at, os.Geteuid(), fs.ErrExist)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is %s, not a lock; it was left alone, remove it yourself (%w)", at, kindOf(info), fs.ErrExist)
	}
	return nil
}

// flock waits for the lock of f's file until ctx ends. It owns f; closing what it
// returns gives the lock up.
func flock(ctx context.Context, f *os.File) (io.Closer, error) {
	var pause watch.Backoff
	for {
		locked, err := sys.TryFlock(f)
		if locked {
			return f, nil
		}
		if err == nil {
			var waiting *sys.RangeLock
			if waiting, err = sys.NewRangeLock(f, sys.Range{Exclusive: true, Flock: true}); err == nil {
				err = awaitLock(ctx, waiting)
			}
			if err == nil {
				f.Close()
				return waiting, nil
			}
			// Where the system has no wait that can be given up, or no /proc.
			err = pause.Sleep(ctx)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
	}
}

// awaitLock waits for lock until ctx ends, and closes it if that fails.
func awaitLock(ctx context.Context, lock *sys.RangeLock) error {
	stop := context.AfterFunc(ctx, func() { lock.Close() })
	err := lock.Wait()
	if !stop() {
		return context.Cause(ctx)
	}
	if err != nil {
		lock.Close()
	}
	return err
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
