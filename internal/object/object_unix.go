//go:build unix

package object

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// open follows no link, and doesn't wait if the name is a FIFO's.
func open(path string, readOnly bool) (*os.File, error) {
	flags := unix.O_RDWR
	if readOnly {
		flags = unix.O_RDONLY
	}
	return os.OpenFile(path, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
}

// explainOpen says what is in the way: a file of another kind, or its owner.
func explainOpen(path string, err error) error {
	if err == nil {
		return nil
	}
	err = fail.Bare(err)
	if errors.Is(err, unix.EROFS) {
		return explainReadOnly(filepath.Dir(path), err)
	}
	info, statErr := os.Lstat(path)
	if statErr != nil {
		return err
	}
	if mismatch := checkRegular(info); mismatch != nil {
		return mismatch
	}
	if errors.Is(err, fs.ErrPermission) {
		advice := ""
		if errors.Is(err, unix.EACCES) { // EPERM: another user's can't be removed
			advice = fmt.Sprintf("; its creator can admit others with %s or %s", fail.Go("Config.Allow"), fail.Go("Config.Mode"))
		}
		return fmt.Errorf("it belongs to uid %d and has mode %04o, this process is uid %d%s (%w)", ownerOf(info).UID, info.Mode().Perm(), os.Geteuid(), advice, err)
	}
	return err
}

func explainReadOnly(dir string, err error) error {
	if !isShared(dir) {
		return fmt.Errorf("%s is mounted read-only: what is there can't be changed (%w): %w", dir, errors.ErrUnsupported, err)
	}
	return fmt.Errorf("%s is mounted read-only: what is there can at most be read%s; mount a tmpfs there that can be written (%w): %w",
		dir, fail.Go(", with Config.ReadOnly"), errors.ErrUnsupported, err)
}

// absent is the error of Open if there is no file at a path. A directory that isn't there
// is another matter: no Create would help.
func absent(path string) error {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return explainDirectory(dir, fail.Bare(err))
	}
	return &fail.AbsentError{Path: path}
}

// mayUse refuses a file of a user that the rule doesn't trust: the owner could do
// anything with it.
func mayUse(f *os.File, a access.Rule) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	owner := ownerOf(info)
	if err := a.Trusts(owner); err != nil {
		return fmt.Errorf("it belongs to uid %d: %w", owner.UID, err)
	}
	return nil
}

// owner returns the uid of a file's owner.
func owner(_ string, info fs.FileInfo) string { return ownerOf(info).User() }

func ownerOf(info fs.FileInfo) breezeway.Peer {
	stat := info.Sys().(*syscall.Stat_t)
	return breezeway.Peer{UID: int(stat.Uid), GID: int(stat.Gid)}
}

func isRemoved(f *os.File) (bool, error) {
	links, err := sys.Links(f)
	return err == nil && links == 0, fail.Bare(err)
}
