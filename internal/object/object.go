// Package object makes and opens the files that stand for shared objects: each
// appears complete or not at all, is readable by whom the access rule admits,
// and is opened only if it belongs to somebody whom the rule admits.
package object

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Path returns where our own object of a kind and name is: the file
// bw.KIND.NAME in the directory of shared objects, which is made if need be. On
// Linux that is /dev/shm, elsewhere a directory of this user, or on Windows with
// scope Machine one of all users.
func Path(kind, name string, scope breezeway.Scope) (string, error) {
	dir, err := directory(scope)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "bw."+kind+"."+name), nil
}

// Create makes the file path of size bytes, with storage for all of them, has
// fill write to it, and only then gives it its name. It fails with
// [fs.ErrExist] if the name is taken. Whenever the process is killed, the file
// is complete or absent.
func Create(path string, size int64, a access.Rule, fill func(f *os.File) error) (*os.File, error) {
	return create(path, size, a, fill)
}

// Open opens the file path for reading and writing, or only for reading. It
// fails with [fs.ErrNotExist] if there is none, with [breezeway.ErrMismatch] if
// it is a symbolic link, a directory or the like, and with [fs.ErrPermission] if
// it belongs to somebody whom the rule doesn't admit.
func Open(path string, a access.Rule, readOnly bool) (*os.File, error) {
	f, err := open(path, readOnly)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &fail.AbsentError{Path: path}
	}
	if err != nil {
		return nil, explainOpen(path, err)
	}
	err = mayUse(f, a)
	if err == nil {
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil {
			err = checkRegular(info)
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// OpenOrCreate opens the file path, or makes it, and reports which.
func OpenOrCreate(path string, size int64, a access.Rule, readOnly bool, fill func(f *os.File) error) (f *os.File, created bool, err error) {
	// Somebody may remove the file after Create found it, and so on; nobody
	// does so many times by chance.
	const tries = 100
	for range tries {
		f, err = Open(path, a, readOnly)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, false, err
		}
		f, err = Create(path, size, a, fill)
		if !errors.Is(err, fs.ErrExist) {
			return f, true, err
		}
	}
	return nil, false, err
}

// Remove removes the file path, unless it is something else than a file.
// Processes that have opened it keep it.
func Remove(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return bare(err)
	}
	if err := checkRegular(info); err != nil {
		return err
	}
	return explainOpen(path, os.Remove(path))
}

// IsRemoved reports whether the open file f has lost its name, so that nobody
// finds it any more. On Windows an open file keeps its name.
func IsRemoved(f *os.File) (bool, error) { return isRemoved(f) }

func checkRegular(info fs.FileInfo) error {
	what := "no regular file"
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode&fs.ModeSymlink != 0:
		what = "a symbolic link, which is not followed"
	case mode.IsDir():
		what = "a directory"
	case mode&fs.ModeNamedPipe != 0:
		what = "a FIFO"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	}
	return fmt.Errorf("what has that name is %s (%w)", what, breezeway.ErrMismatch)
}

// bare takes off the path that package os adds: our errors name the object.
func bare(err error) error {
	switch e := err.(type) {
	case *fs.PathError:
		return e.Err
	case *os.LinkError:
		return e.Err
	}
	return err
}
