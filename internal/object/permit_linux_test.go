package object

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// An object has the rights of its rule alone, whatever the default access control
// list of its directory adds.
func TestCreateInDirectoryWithList(t *testing.T) {
	dir := t.TempDir()
	ipctest.GiveDefaultList(t, dir, 12345)
	path := filepath.Join(dir, "object")
	for _, mode := range []fs.FileMode{0, 0o660, 0o666} {
		rule, err := access.New(mode, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Create(path, 10, rule, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if n, err := unix.Lgetxattr(path, "system.posix_acl_access", nil); !errors.Is(err, unix.ENODATA) {
			t.Errorf("mode %v: a list of %d bytes, %v", mode, n, err)
		}
		if info, err := f.Stat(); err != nil || info.Mode().Perm() != rule.FileMode() {
			t.Errorf("mode %v: %v, %v", mode, info.Mode(), err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
