package object

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

func newUnlinkFile(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// A name that leads to another file by now, or to none, is left alone.
func TestUnlinkRemovesOnlyItsOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "object")
	f := newUnlinkFile(t, path)
	if unlinked, err := Unlink(f); !unlinked || err != nil {
		t.Fatal(unlinked, err)
	}
	if unlinked, err := Unlink(f); unlinked || err != nil {
		t.Error("no name: ", unlinked, err)
	}
	newUnlinkFile(t, path)
	if unlinked, err := Unlink(f); unlinked || err != nil {
		t.Error("another's name: ", unlinked, err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Error(err)
	}
}

// A process that is stopped between the look and the removal keeps others waiting for a
// second, and not for ever.
func TestUnlinkBesideAStoppedProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "object")
	f, stopped := newUnlinkFile(t, path), newUnlinkFile(t, path)
	if ok, err := sys.TryLockByte(stopped, unlinkingByte); !ok || err != nil {
		t.Fatal(ok, err)
	}
	start := time.Now()
	if _, err := Unlink(f); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	ipctest.WantSince(t, start, 2*unlinkingTime)
	stopped.Close() // as the kernel does when it dies
	if unlinked, err := Unlink(f); !unlinked || err != nil {
		t.Error(unlinked, err)
	}
}
