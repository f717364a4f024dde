package object

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
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
		return explainSpace(filepath.Dir(path), size, err)
	}
	if err := permit(f, a); err != nil {
		return err
	}
	if fill != nil {
		if err := fill(f); err != nil {
			return err
		}
	}
	killpoint.Here("object filled")
	// linkat with AT_EMPTY_PATH needs a privilege.
	self := "/proc/self/fd/" + strconv.Itoa(int(f.Fd()))
	err := unix.Linkat(unix.AT_FDCWD, self, unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	killpoint.Here("object linked")
	return err
}

// Resize makes the open file f as long as size, with storage for what is added.
func Resize(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if size < info.Size() {
		return fail.Bare(f.Truncate(size))
	}
	return explainSpace(filepath.Dir(f.Name()), size, sys.Reserve(f, size))
}

func explainDirectory(dir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no %s on this system; mount a tmpfs there: %v (%w)", dir, err, errors.ErrUnsupported)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s is not writable for uid %d (%w)", dir, os.Geteuid(), err)
	}
	return err
}

// explainSpace says how much memory there is: containers often have little.
func explainSpace(dir string, size int64, err error) error {
	var fs unix.Statfs_t
	if !errors.Is(err, unix.ENOSPC) || unix.Statfs(dir, &fs) != nil {
		return err
	}
	mib := func(n uint64) string { return strconv.FormatFloat(float64(n)/(1<<20), 'f', -1, 64) + " MiB" }
	return fmt.Errorf("%d bytes (%s) don't fit: %s has %s in all and %s free; remove what is not in use, or make it larger "+
		"(docker run --shm-size=1g, in Kubernetes an emptyDir with medium Memory, elsewhere mount -o remount,size=1g %s) (%w)",
		size, mib(uint64(size)), dir, mib(fs.Blocks*uint64(fs.Bsize)), mib(fs.Bavail*uint64(fs.Bsize)), dir, err)
}

// permit gives f exactly the rights of the rule, whatever the umask.
func permit(f *os.File, a access.Rule) error {
	mode, uids, gids := a.File()
	if err := unix.Fchmod(int(f.Fd()), uint32(mode.Perm())); err != nil {
		return os.NewSyscallError("fchmod", err)
	}
	if len(uids)+len(gids) == 0 {
		return nil
	}
	err := unix.Fsetxattr(int(f.Fd()), "system.posix_acl_access", accessList(mode, uids, gids), 0)
	if errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("Config.Allow needs a file system with access control lists: %w", err)
	}
	return os.NewSyscallError("fsetxattr", err)
}

// accessList encodes a POSIX access control list as the kernel takes it
// (linux/posix_acl_xattr.h): a version, then entries of tag, rights and id, in
// this order of tags and by id within one.
func accessList(mode fs.FileMode, uids, gids []int) []byte {
	const (
		version = 2
		noID    = math.MaxUint32

		owner, user, ownGroup, group, mask, others = 1, 2, 4, 8, 16, 32
		readWrite                                  = 6
	)
	list := binary.LittleEndian.AppendUint32(nil, version)
	entry := func(tag uint16, rights fs.FileMode, id uint32) {
		list = binary.LittleEndian.AppendUint16(list, tag)
		list = binary.LittleEndian.AppendUint16(list, uint16(rights&7))
		list = binary.LittleEndian.AppendUint32(list, id)
	}
	entries := func(tag uint16, ids []int) {
		slices.Sort(ids)
		for _, id := range slices.Compact(ids) {
			entry(tag, readWrite, uint32(id))
		}
	}
	entry(owner, mode>>6, noID)
	entries(user, uids)
	entry(ownGroup, mode>>3, noID)
	entries(group, gids)
	entry(mask, readWrite|mode>>3, noID)
	entry(others, mode, noID)
	return list
}
