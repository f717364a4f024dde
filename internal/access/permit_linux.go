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

	"golang.org/x/sys/unix"
)

const accessListAttr = "system.posix_acl_access"

// Permit gives the file that path leads to exactly the rights of the rule, in one
// step: no umask takes from them, and what the directory's default access control
// list has added is gone. name is what the file is, or will be, called.
//
// Preconditions:
//   - No other user can change where path leads. "/proc/self/fd/N" is such a path.
func (r Rule) Permit(path, name string) error {
	err := unix.Setxattr(path, accessListAttr, r.accessList(), 0)
	switch {
	case !errors.Is(err, errors.ErrUnsupported):
		return os.NewSyscallError("setxattr", err)
	case r.allowed.any():
		return fmt.Errorf("Config.Allow needs access control lists, and the file system of %s has none; use Config.Mode or another directory (%w)",
			filepath.Dir(name), err)
	}
	return os.Chmod(path, r.FileMode())
}

// IsCarriedBy reports whether the file at path has exactly the rights of the rule, so
// that [Rule.Permit] would change nothing. info describes the file. If path is a
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
