//go:build unix && !linux

package object

import (
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

func directory(breezeway.Scope) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "breezeway")
	return dir, os.MkdirAll(dir, 0o700)
}

// create makes a file under another name, and links it when it is complete.
func create(path string, size int64, a access.Rule, fill func(f *os.File) error) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return nil, fail.Bare(err)
	}
	defer os.Remove(f.Name())
	err = sys.Reserve(f, size)
	if err == nil && fill != nil {
		err = fill(f)
	}
	if err == nil {
		err = a.Permit(f.Name(), path) // last, since others could open the temporary name
	}
	killpoint.Here("object filled")
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	killpoint.Here("object linked")
	if err != nil {
		f.Close()
		return nil, fail.Bare(err)
	}
	return f, nil
}

// isShared is for Linux, where a directory may lack what others have.
func isShared(string) bool { return true }

func explainDirectory(_ string, err error) error { return err }
