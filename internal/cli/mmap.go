package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// createFile makes a file with storage for all its bytes, or none.
func createFile(c *creator, t target, r accessRule) (_ io.Closer, err error) {
	path, err := locate(t.path())
	if err != nil {
		return nil, failedFile("create", t.path(), err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, failedFile("create", path, err)
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(path)
		}
	}()
	if err := f.Chmod(cmp.Or(r.mode, 0o600)); err != nil { // the umask may have taken bits
		return nil, failedFile("create", path, err)
	}
	m, err := mmap.Map(f, &mmap.Config{Capacity: int64(c.size)})
	if err != nil {
		return nil, err
	}
	return nil, m.Close()
}

func openFile(t target, r accessRule, readOnly bool) (*memory, error) {
	if r.trust != nil {
		return nil, usagef("the permissions of a file say which users may open it; leave --trust out")
	}
	path, err := resolve(t.path())
	if err != nil {
		return nil, failedFile("open", t.path(), err)
	}
	// To open a FIFO or a device could wait, or do something.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("what has that name is no regular file but %v (%w)", info.Mode(), breezeway.ErrMismatch)
	}
	if err != nil {
		return nil, failedFile("open", path, err)
	}
	flags := os.O_RDWR
	if readOnly {
		flags = os.O_RDONLY
	}
	f, err := openLinkless(path, flags)
	if err != nil {
		return nil, failedFile("open", path, err)
	}
	m, err := mmap.Map(f, &mmap.Config{ReadOnly: readOnly})
	if err != nil {
		f.Close()
		return nil, err
	}
	return &memory{m, t, f, func() error { return errors.Join(m.Close(), f.Close()) }}, nil
}

// removeFile removes a file that openFile could have opened, and that belongs to
// this user or the superuser.
func removeFile(t target, _ accessRule) error {
	path, err := locate(t.path())
	if err != nil {
		return failedFile("remove", t.path(), err)
	}
	f, err := object.Open(path, access.Rule{}, true)
	if err == nil {
		f.Close()
		err = object.Remove(path)
	}
	if err != nil {
		return failedFile("remove", path, err)
	}
	return nil
}

func isRegular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// failedFile puts an error of package os into the words of the others.
func failedFile(op, path string, err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		err = e.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && op == "create":
		err = fmt.Errorf("there is no directory %s (%w)", filepath.Dir(path), err)
	case errors.Is(err, fs.ErrNotExist) && op == "remove":
		err = fmt.Errorf("no such file (%w)", err)
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("no such file; create it with `ipc create mmap://%s --size BYTES` (%w)", path, err)
	case errors.Is(err, fs.ErrExist) && !isRegular(path):
		err = fmt.Errorf("what is there is no regular file; choose another path (%w)", err)
	case errors.Is(err, fs.ErrExist):
		err = fmt.Errorf("the file exists, and `ipc write mmap://%[1]s` and `ipc read mmap://%[1]s` take it as it is; or, if nothing uses it any more, remove it with `ipc rm mmap://%[1]s` (%[2]w)", path, err)
	}
	return &breezeway.Error{Op: op, Kind: "mmap", Name: path, Err: err}
}
