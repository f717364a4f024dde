package ipcsync

import (
	"context"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/windows"
)

// What the documentation warns of.
func TestFileLockIsMandatory(t *testing.T) {
	if ipctest.UnderWine() {
		t.Skip("Wine does not look at locks when it reads and writes")
	}
	l := newLock(t, nil)
	f, err := os.OpenFile(l.Name(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("some text"); err != nil {
		t.Fatal(err)
	}
	locked := func(_ int, err error) bool {
		t.Helper()
		if err != nil && err.(*os.PathError).Err != windows.ERROR_LOCK_VIOLATION {
			t.Error(err)
		}
		return err != nil
	}
	b := make([]byte, 4)
	for _, c := range []struct {
		what                    string
		lock                    func(context.Context) (Held, error)
		readLocked, writeLocked bool
	}{
		{"exclusive", l.Lock, true, true},
		{"shared", l.RLock, false, true},
		{"beyond the data", l.Range(1<<62, 0).Lock, false, false},
	} {
		h := got(t)(c.lock(context.Background()))
		if read, write := locked(f.ReadAt(b, 0)), locked(f.WriteAt(b, 0)); read != c.readLocked || write != c.writeLocked {
			t.Errorf("%s: reading is locked %v, writing %v", c.what, read, write)
		}
		unlock(t, h)
	}
}

func TestFileLockKeepsItsName(t *testing.T) {
	l := newLock(t, nil)
	if err := os.Remove(l.Name()); err == nil {
		t.Error("removed while it is open")
	}
	unlock(t, got(t)(l.Lock(context.Background())))
}
