// Package object makes, opens, lists and removes the files that stand for shared
// objects. A file appears complete or not at all, is accessible to the users that the
// access rule admits, and is opened only if it belongs to a user that the rule
// trusts.
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
	"github.com/breezeway-ipc/breezeway/internal/fault"
)

// Path returns where our own object of a kind and name is: the file
// bw.KIND.NAME in the directory of shared objects, of which [fileName] says how the name
// is written. On Linux the directory is /dev/shm; elsewhere it is one of this user, or on
// Windows with scope Machine of all users, which Path creates. A name that is a rooted path
// is the object's file itself, for a kind that has durable objects: names have no
// separators.
func Path(kind, name string, scope breezeway.Scope) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	file, err := fileName(kind, name)
	if err != nil {
		return "", err
	}
	dir, err := directory(scope)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, file), nil
}

// CheckName returns an error unless name is a portable name, or a rooted path.
func CheckName(name string) error {
	if filepath.IsAbs(name) {
		return nil
	}
	return breezeway.CheckName(name)
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
// it belongs to a user that the rule doesn't trust.
func Open(path string, a access.Rule, readOnly bool) (*os.File, error) {
	f, err := open(path, readOnly)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, absent(path)
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

// OpenOrCreate opens the file path or, if there is none, makes it, and reports whether
// it made it. An error of fill is returned at once, whatever it wraps.
func OpenOrCreate(path string, size int64, a access.Rule, readOnly bool, fill func(f *os.File) error) (f *os.File, created bool, err error) {
	var final func(f *os.File) error
	if fill != nil {
		final = func(f *os.File) error { return Final(fill(f)) }
	}
	return OpenOrMake(
		func() (*os.File, error) { return Open(path, a, readOnly) },
		func() (*os.File, error) { return Create(path, size, a, final) })
}

// OpenOrMake calls open, which fails with [fs.ErrNotExist] if there is no object, and
// then create, which fails with [fs.ErrExist] if there is one. It reports whether
// create made the object. Another process may make or remove the object between the
// two calls, so OpenOrMake repeats them, up to a hundred times. It returns an error that
// [Final] marks at once.
func OpenOrMake[T any](open, create func() (T, error)) (v T, created bool, err error) {
	const tries = 100
	for range tries {
		v, err = open()
		if final := (*finalError)(nil); errors.As(err, &final) {
			return v, false, final.err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return v, false, err
		}
		v, err = create()
		if final := (*finalError)(nil); errors.As(err, &final) {
			return v, false, final.err
		}
		if !errors.Is(err, fs.ErrExist) {
			return v, err == nil, err
		}
	}
	return v, false, err
}

// Final marks an error of a call of [OpenOrMake] as not being about the name, so that it
// doesn't mean that another process was faster even if it wraps [fs.ErrExist] or
// [fs.ErrNotExist]: an error of a caller's function, which may wrap anything. Final of nil
// is nil.
func Final(err error) error {
	if err == nil {
		return nil
	}
	return &finalError{err}
}

type finalError struct{ err error }

func (e *finalError) Error() string { return e.err.Error() }
func (e *finalError) Unwrap() error { return e.err }

// Remove removes the file path, if it is a regular file; anything else is
// [breezeway.ErrMismatch]. It doesn't look into the file. Processes that have
// opened it keep it.
func Remove(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fail.Bare(err)
	}
	if err := checkRegular(info); err != nil {
		return err
	}
	return explainOpen(path, os.Remove(path))
}

// Unlink removes the name of an open file, if the name still leads to that file, and
// reports whether it did. On Linux it never removes a file that another process has given
// the name meanwhile: from the look to the removal it holds a lock on the file, and a
// process that gives the name to another one has unlinked this one before. The kernel
// drops the lock at the death of its process.
//
// Preconditions:
//   - f is open for writing;
//   - no other call of Unlink uses f at the same time.
func Unlink(f *os.File) (bool, error) { return unlink(f) }

// CanFault reports whether touching one of the first size bytes of an object's file can
// fault, when they are mapped. The processes of this user are trusted not to truncate
// the file, unless the rule lets other users write. See package fault.
func CanFault(f *os.File, size int64, a access.Rule) bool {
	return fault.Possible(f, size, fault.Trust(a.FileMode()&0o022 == 0))
}

// IsRemoved reports whether the open file f has lost its name, so that no process
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
