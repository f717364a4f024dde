package object

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// Directory is where named shared memory is: shm_open's place.
const Directory = "/dev/shm"

func directory(breezeway.Scope) (string, error) { return Directory, nil }

// create makes a file without a name, and links it when it is complete.
func create(path string, size int64, a access.Rule, fill func(f *os.File) error) (*os.File, error) {
	dir := filepath.Dir(path)
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, explainDirectory(dir, os.NewSyscallError("open", err))
	}
	f := os.NewFile(uintptr(fd), path)
	if err := complete(f, path, size, a, fill); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func complete(f *os.File, path string, size int64, a access.Rule, fill func(f *os.File) error) error {
	if err := sys.Reserve(f, size); err != nil {
		return ExplainSpace(path, size, err)
	}
	// linkat with AT_EMPTY_PATH needs a privilege.
	self := "/proc/self/fd/" + strconv.Itoa(int(f.Fd()))
	if err := a.Permit(self, path); err != nil {
		return sys.ExplainSelfFD(err)
	}
	if fill != nil {
		if err := fill(f); err != nil {
			return err
		}
	}
	killpoint.Here("object filled")
	err := unix.Linkat(unix.AT_FDCWD, self, unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	killpoint.Here("object linked")
	return sys.ExplainSelfFD(err)
}

func explainDirectory(dir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no %s on this system; mount a tmpfs there: %v (%w)", dir, err, errors.ErrUnsupported)
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR):
		return fmt.Errorf("the file system at %s has no O_TMPFILE; mount a tmpfs there: %v (%w)", dir, err, errors.ErrUnsupported)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s is not writable for uid %d (%w)", dir, os.Geteuid(), err)
	}
	return err
}

// ExplainSpace says how much memory there is for the file at a path, if it lacks some:
// containers often have little.
func ExplainSpace(path string, size int64, err error) error {
	dir := filepath.Dir(path)
	var fs unix.Statfs_t
	if !errors.Is(err, unix.ENOSPC) || unix.Statfs(dir, &fs) != nil {
		return err
	}
	mib := func(n uint64) string { return strconv.FormatFloat(float64(n)/(1<<20), 'f', -1, 64) + " MiB" }
	return fmt.Errorf("%d bytes (%s) don't fit: %s has %s in all and %s free; remove what is not in use, or make it larger "+
		"(docker run --shm-size=1g, in Kubernetes an emptyDir with medium Memory, elsewhere mount -o remount,size=1g %s) (%w)",
		size, mib(uint64(size)), dir, mib(fs.Blocks*uint64(fs.Bsize)), mib(fs.Bavail*uint64(fs.Bsize)), dir, err)
}
