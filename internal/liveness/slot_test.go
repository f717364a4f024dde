package liveness

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestMain(m *testing.M) { ipctest.Main(m) }

func newFile(t *testing.T) *os.File {
	f, err := os.Create(filepath.Join(t.TempDir(), "object"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// holder takes slot Args[1] of the file Args[0] and holds it.
var holder = ipctest.Helper("holder", func(c *ipctest.Control) error {
	f, err := os.OpenFile(c.Args[0], os.O_RDWR, 0)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(c.Args[1])
	if err != nil {
		return err
	}
	s, err := Take(f, int64(number))
	if err != nil {
		return err
	}
	c.Say("%v", s != nil)
	c.Hear()
	if s == nil {
		return nil
	}
	return s.Release()
})

func take(t *testing.T, f *os.File, number int64) *Slot {
	t.Helper()
	s, err := Take(f, number)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTakeAndRelease(t *testing.T) {
	f := newFile(t)
	a, b := take(t, f, 0), take(t, f, 1)
	if a == nil || b == nil {
		t.Fatal("a free slot could not be taken")
	}
	if take(t, f, 0) != nil {
		t.Error("a slot was taken twice")
	}
	p := ipctest.Start(t, holder, f.Name(), "0")
	p.Expect("false")
	p.Say("end")
	p.Wait()
	if err := a.Release(); err != nil {
		t.Fatal(err)
	}
	if a = take(t, f, 0); a == nil {
		t.Fatal("a released slot could not be taken")
	}
	// Another descriptor of the file that is closed changes nothing.
	other, err := os.Open(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	if take(t, f, 0) != nil {
		t.Error("the lock was lost")
	}
	for _, s := range []*Slot{a, b} {
		if err := s.Release(); err != nil {
			t.Error(err)
		}
	}
}

func TestKilledHolderIsDead(t *testing.T) {
	f := newFile(t)
	p := ipctest.Start(t, holder, f.Name(), "3")
	p.Expect("true")
	if take(t, f, 3) != nil {
		t.Fatal("a living process's slot was taken")
	}
	p.Kill()
	var s *Slot
	for deadline := time.Now().Add(10 * time.Second); s == nil && time.Now().Before(deadline); runtime.Gosched() {
		s = take(t, f, 3)
	}
	if s == nil {
		t.Fatal("a dead process's slot can't be taken")
	}
	if err := s.Release(); err != nil {
		t.Error(err)
	}
}
