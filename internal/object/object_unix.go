//go:build unix

package object

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	info, statErr := os.Lstat(path)
	if statErr != nil {
		return err
	}
	if mismatch := checkRegular(info); mismatch != nil {
		return mismatch
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("it belongs to uid %d and has mode %04o, this process is uid %d (%w)", ownerOf(info).UID, info.Mode().Perm(), os.Geteuid(), err)
	}
	return err
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
