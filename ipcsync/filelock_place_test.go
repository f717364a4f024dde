package ipcsync

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// A lock on a whole file and the slots of an object in it, which are bytes far
// beyond its end, leave each other alone.
func TestFileLockLeavesSlotsAlone(t *testing.T) {
	if !sys.HasRangeLocks {
		t.Skip("locks are for whole files here, and there are no objects in places")
	}
	path := filepath.Join(t.TempDir(), "file")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(2 * Size); err != nil {
		t.Fatal(err)
	}
	l, err := OpenFileLock(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()

	at := Place{File: f, Offset: Size / 64 * 64}
	r := l.Range(1<<40, 0) // to the end, which on Windows must leave the content alone
	held, err := r.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m, err := CreateMutex("", &Config{At: at})
	if err != nil {
		t.Fatalf("under the file's lock: %v", err)
	}
	defer m.Close()
	mustUnlock(t, mustLock(t, m))
	mustUnlock(t, held)

	held, ok, err := r.TryLock()
	if err != nil || !ok {
		t.Fatalf("beside an open mutex: %v, %v", ok, err)
	}
	mustUnlock(t, held)
	_, err = l.Range(1<<62, 0).Lock(t.Context())
	ipctest.WantError(t, err, os.ErrInvalid, "4611686018427387904")
	_, err = l.Range(1<<62-1, 2).Lock(t.Context())
	ipctest.WantError(t, err, os.ErrInvalid, "4611686018427387904")
	h, err := l.Range(1<<62-1, 1).Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mustUnlock(t, h)
}
