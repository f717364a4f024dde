package object

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
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

// create makes a file without a name, and links it when it is complete. Where the system
// can't do that, the file has a temporary name meanwhile.
func create(path string, size int64, a access.Rule, fill func(f *os.File) error) (*os.File, error) {
	f, err := openUnnamed(path)
	if err != nil {
		return nil, err
	}
	if f != nil && canLink(f) {
		if err := complete(f, size, a, fill); err != nil {
			f.Close()
			return nil, err
		}
		err := link(f, path)
		killpoint.Here("object linked")
		if err != nil {
			f.Close()
			return nil, explainDirectory(filepath.Dir(path), os.NewSyscallError("linkat", err))
		}
		return f, nil
	}
	f.Close() // does nothing if there is none
	t, err := makeTemporary(path)
	if err != nil {
		return nil, err
	}
	if err := complete(t.f, size, a, fill); err != nil {
		t.remove()
		return nil, err
	}
	if err := t.rename(path); err != nil {
		t.remove()
		return nil, explainDirectory(filepath.Dir(path), err)
	}
	return t.f, nil
}

func complete(f *os.File, size int64, a access.Rule, fill func(f *os.File) error) error {
	if err := sys.Reserve(f, size); err != nil {
		return ExplainSpace(f.Name(), size, err)
	}
	if fill != nil {
		if err := fill(f); err != nil {
			return err
		}
	}
	// Last, since others could open a temporary name.
	err := a.PermitFile(f)
	killpoint.Here("object filled")
	return err
}

// openUnnamed returns nil without an error where the file system has no files without a
// name (gVisor, overlay file systems before Linux 6.3).
func openUnnamed(path string) (*os.File, error) {
	dir := filepath.Dir(path)
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	switch err {
	case nil:
		return os.NewFile(uintptr(fd), path), nil
	case unix.EOPNOTSUPP, unix.EISDIR, unix.EINVAL:
		return nil, nil
	}
	return nil, explainDirectory(dir, os.NewSyscallError("open", err))
}

// link gives a file without a name its name. Without /proc that takes CAP_DAC_READ_SEARCH
// or Linux 6.10.
func link(f *os.File, path string) error {
	err := unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(int(f.Fd())), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	if err == unix.ENOENT {
		err = unix.Linkat(int(f.Fd()), "", unix.AT_FDCWD, path, unix.AT_EMPTY_PATH)
	}
	return err
}

// canLink reports whether link can name the file: the kernel looks for the file before it
// finds that the new name is taken.
func canLink(f *os.File) bool { return link(f, "/") == unix.EEXIST }

// explainDirectory says what is wrong with the directory of objects.
func explainDirectory(dir string, err error) error {
	_, missing := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && missing != nil && !isShared(dir):
		return fmt.Errorf("there is no directory %s; make it first (%w)", dir, fs.ErrNotExist)
	case errors.Is(err, fs.ErrNotExist) && missing == nil:
		return fmt.Errorf("files can't be made in %s; mount a tmpfs there: %v (%w)", dir, err, errors.ErrUnsupported)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no %s on this system; mount a tmpfs there: %v (%w)", dir, err, errors.ErrUnsupported)
	case errors.Is(err, unix.EROFS):
		return explainReadOnly(dir, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s is not writable for uid %d (%w)", dir, os.Geteuid(), err)
	}
	return err
}

// isShared reports whether a directory is the one of objects with names, and not that of
// an object named by its path.
func isShared(dir string) bool { return dir == Directory }

// ExplainSpace says how much memory there is for the file at a path, if it lacks some:
// containers often have little.
func ExplainSpace(path string, size int64, err error) error {
	dir := filepath.Dir(path)
	var fs unix.Statfs_t
	if !errors.Is(err, unix.ENOSPC) || unix.Statfs(dir, &fs) != nil {
		return err
	}
	mib := func(n uint64) string {
		return strconv.FormatFloat(math.Round(float64(n)/(1<<20)*1000)/1000, 'f', -1, 64) + " MiB"
	}
	if !isShared(dir) {
		return fmt.Errorf("%d bytes (%s) don't fit: the disk of %s has %s in all and %s free (%w)",
			size, mib(uint64(size)), dir, mib(fs.Blocks*uint64(fs.Bsize)), mib(fs.Bavail*uint64(fs.Bsize)), err)
	}
	return fmt.Errorf("%d bytes (%s) don't fit: %s has %s in all and %s free; remove what is not in use, or make it larger "+
		"(docker run --shm-size=1g, in Kubernetes an emptyDir with medium Memory, elsewhere mount -o remount,size=1g %s) (%w)",
		size, mib(uint64(size)), dir, mib(fs.Blocks*uint64(fs.Bsize)), mib(fs.Bavail*uint64(fs.Bsize)), dir, err)
}
