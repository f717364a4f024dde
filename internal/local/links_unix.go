//go:build unix

package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"golang.org/x/sys/unix"
)

// OpenFile opens the file at path with the flags of open(2), without waiting. Of
// symbolic links it follows only those to directories that no other user can change.
func OpenFile(path string, flags int) (*os.File, error) {
	f, err := openLinkless(path, flags)
	if !isLink(err) {
		return f, err
	}
	if path, err = Locate(path); err != nil {
		return nil, err
	}
	return openLinkless(path, flags)
}

// Locate returns path without symbolic links to directories. It fails with
// [fs.ErrPermission] if another user can change one of them. The last part of the path
// stays, whatever it is.
func Locate(path string) (string, error) {
	dir, base := filepath.Split(path) // Dir would resolve a .. after a link wrongly
	dir, err := resolve(dir)
	return filepath.Join(dir, base), err
}

// Resolve returns path without symbolic links, the last part included, as far as there
// are files. It fails with [fs.ErrPermission] if another user can change one of them.
func Resolve(path string) (string, error) { return resolve(path) }

// isLink reports whether err of openLinkless may be that of a symbolic link.
func isLink(err error) bool { return errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) }

// maxLinks is how many symbolic links a path may lead through, as in the kernel.
const maxLinks = 40

// resolve returns where path leads, a path without symbolic links, as far as there are
// files. It fails if there is a link that another user could have made or could
// replace: such a user could make this process meet another server than the one that
// the path means.
func resolve(path string) (string, error) {
	at, rest := start(path), parts(path)
	for links := 0; len(rest) > 0; {
		next := filepath.Join(at, rest[0])
		rest = rest[1:]
		info, err := os.Lstat(next)
		if err != nil || info.Mode().Type() != fs.ModeSymlink {
			at = next // what is missing is for the caller to find
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s leads through too many symbolic links (%w)", path, unix.ELOOP)
		}
		if err := checkLink(at, next, info); err != nil {
			return "", err
		}
		target, err := os.Readlink(next)
		if err != nil {
			return "", err
		}
		if filepath.IsAbs(target) {
			at = start(target)
		}
		rest = append(parts(target), rest...)
	}
	return at, nil
}

func start(path string) string {
	if filepath.IsAbs(path) {
		return "/"
	}
	return "."
}

// parts splits a path as the kernel does. What is before a .. stays, since it may be a
// link.
func parts(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// checkLink refuses a symbolic link in dir that a user besides this one and the
// superuser owns, or could replace.
func checkLink(dir, link string, info fs.FileInfo) error {
	if !isOurs(info) {
		return refuseLink(link, fmt.Sprint("belongs to uid ", ownerOf(info)))
	}
	parent, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	othersWrite := parent.Mode()&0o022 != 0 && parent.Mode()&fs.ModeSticky == 0
	if !isOurs(parent) || othersWrite {
		return refuseLink(link, fmt.Sprintf("can be replaced by others: %s is %v of uid %d", dir, parent.Mode(), ownerOf(parent)))
	}
	return nil
}

func refuseLink(link, why string) error {
	return fmt.Errorf("the symbolic link %s was not followed: it %s, so it may lead to what was not meant; give a path without it (%w)",
		link, why, fs.ErrPermission)
}

// isOurs reports whether a file belongs to this user or the superuser.
func isOurs(info fs.FileInfo) bool { return access.IsOwn(ownerOf(info)) }
