package access

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
	"strings"

	"github.com/breezeway-ipc/breezeway/internal/fail"
	"golang.org/x/sys/unix"
)

const accessListAttr = "system.posix_acl_access"

// PermitFile gives the open file f exactly the rights of the rule, in one step: no umask
// takes from them, and what the directory's default access control list has added is
// gone. f may be opened as a place only (O_PATH).
func (r Rule) PermitFile(f *os.File) error {
	err := setAccessList(f, r.accessList())
	switch {
	case errors.Is(err, unix.EINVAL) && r.allowed.any():
		return r.allowed.explainUnmapped(err)
	case !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS):
		return err
	case r.allowed.any():
		return fmt.Errorf("%s needs access control lists, and the file system of %s has none; use %s or another directory (%w)",
			fail.Go("Config.Allow"), filepath.Dir(f.Name()), fail.Go("Config.Mode"), err)
	}
	return setMode(f, uint32(r.FileMode()))
}

func setAccessList(f *os.File, list []byte) error {
	fd := int(f.Fd())
	err := unix.Fsetxattr(fd, accessListAttr, list, 0)
	if err == unix.EBADF { // f is a place only
		if err = unix.Setxattr(selfFD(fd), accessListAttr, list, 0); err == unix.ENOENT {
			return explainNoProc(f)
		}
	}
	return os.NewSyscallError("setxattr", err)
}

func setMode(f *os.File, mode uint32) error {
	fd := int(f.Fd())
	err := unix.Fchmod(fd, mode)
	if err == unix.EBADF { // f is a place only
		if err = unix.Chmod(selfFD(fd), mode); err == unix.ENOENT {
			return explainNoProc(f)
		}
	}
	return os.NewSyscallError("chmod", err)
}

func selfFD(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

func explainNoProc(f *os.File) error {
	return fmt.Errorf("there is no /proc/self/fd, by which %s would get its rights; mount /proc, or use neither %s nor %s (%w)",
		f.Name(), fail.Go("Config.Mode"), fail.Go("Config.Allow"), errors.ErrUnsupported)
}

// explainUnmapped says which ids the kernel did not take: those that have no counterpart
// outside this user namespace.
func (l principals) explainUnmapped(err error) error {
	var unmapped []string
	for _, ids := range []struct {
		what, path string
		ids        []int
	}{{"uid", "/proc/self/uid_map", l.uids}, {"gid", "/proc/self/gid_map", l.gids}} {
		for _, id := range ids.ids {
			if !isMapped(ids.path, id) {
				unmapped = append(unmapped, fmt.Sprintf("%s %d (%s)", ids.what, id, ids.path))
			}
		}
	}
	if len(unmapped) == 0 {
		return err
	}
	return fmt.Errorf("%s names what this container's user namespace doesn't map: %s; map it, or name another user (%w): %w",
		fail.Go("Config.Allow"), strings.Join(unmapped, ", "), errors.ErrUnsupported, err)
}

// isMapped reports whether a map of the kernel has an id of this namespace. Its lines
// are: first id here, first id outside, how many. What can't be read maps none.
func isMapped(path string, id int) bool {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		var first, outside, n int
		if _, err := fmt.Sscan(line, &first, &outside, &n); err == nil && first <= id && id-first < n {
			return true
		}
	}
	return false
}

// IsCarriedBy reports whether the file at path has exactly the rights of the rule, so
// that [Rule.PermitFile] would change nothing. info describes the file. If path is a
// link, the link is looked at.
func (r Rule) IsCarriedBy(path string, info fs.FileInfo) bool {
	if r.allowed.any() || info.Mode().Perm() != r.FileMode() {
		return false
	}
	_, err := unix.Lgetxattr(path, accessListAttr, nil)
	return errors.Is(err, unix.ENODATA) || errors.Is(err, errors.ErrUnsupported)
}

// accessList encodes the rule as a POSIX access control list as the kernel takes it
// (linux/posix_acl_xattr.h): a version, then entries of tag, rights and id, in
// this order of tags and by id within one. A list that names no user and no group is
// the mode: the kernel stores no list then.
func (r Rule) accessList() []byte {
	const (
		version = 2
		noID    = math.MaxUint32

		owner, user, ownGroup, group, mask, others = 1, 2, 4, 8, 16, 32
		readWrite                                  = 6
	)
	mode := r.FileMode()
	list := binary.LittleEndian.AppendUint32(nil, version)
	entry := func(tag uint16, rights fs.FileMode, id uint32) {
		list = binary.LittleEndian.AppendUint16(list, tag)
		list = binary.LittleEndian.AppendUint16(list, uint16(rights&7))
		list = binary.LittleEndian.AppendUint32(list, id)
	}
	entries := func(tag uint16, ids []int) {
		for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
			entry(tag, readWrite, uint32(id))
		}
	}
	entry(owner, mode>>6, noID)
	entries(user, r.allowed.uids)
	entry(ownGroup, mode>>3, noID)
	entries(group, r.allowed.gids)
	if r.allowed.any() {
		entry(mask, readWrite|mode>>3, noID)
	}
	entry(others, mode, noID)
	return list
}
