package ipcsync

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// newTestMutex makes a mutex that is closed and removed when the test is over.
func newTestMutex(t testing.TB, cfg *Config) *Mutex {
	t.Helper()
	m, err := CreateMutex(ipctest.UniqueName(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		removeIfThere(t, KindMutex, m.Name())
	})
	return m
}

// lockHolder takes the mutex Args[0], says so, and does what it hears: unlock,
// mark, close, or nothing until it is killed.
var lockHolder = ipctest.Helper("lock holder", func(c *ipctest.Control) error {
	m, err := OpenMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer m.Close()
	h, err := m.Lock(context.Background())
	if err != nil {
		return err
	}
	c.Say("locked %v", h.Recovered())
	for {
		switch c.Hear() {
		case "mark":
			err = h.MarkConsistent()
		case "unlock":
			err = h.Unlock()
		default:
			return nil
		}
		if err != nil {
			return err
		}
		c.Say("done")
	}
})

func mustLock(t testing.TB, m *Mutex) Held {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	h, err := m.Lock(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func mustUnlock(t testing.TB, h Held) {
	t.Helper()
	if err := h.Unlock(); err != nil {
		t.Fatal(err)
	}
}

func wantBusy(t testing.TB, m *Mutex) {
	t.Helper()
	if _, ok, err := m.TryLock(); ok || err != nil {
		t.Fatalf("a held lock: TryLock says %v, %v", ok, err)
	}
}

// Stats says how often the mutex was taken from a dead holder, and until when it
// is recovered.
func TestMutexStatsOfRecovery(t *testing.T) {
	m := newTestMutex(t, nil)
	want := func(recoveries int64, recovered bool) {
		t.Helper()
		if st, err := m.Stats(); err != nil || st.Recoveries != recoveries || st.Recovered != recovered {
			t.Errorf("stats: %+v, %v; want %d recoveries, %v", st, err, recoveries, recovered)
		}
	}
	want(0, false)
	p := ipctest.Start(t, lockHolder, m.Name())
	p.Expect("locked false")
	p.Kill()
	h := mustLock(t, m)
	want(1, true)
	if err := h.MarkConsistent(); err != nil {
		t.Error(err)
	}
	want(1, false)
	mustUnlock(t, h)
	if st, err := m.Stats(); err != nil || st.Value != 1 || st.Holders != 0 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

// Do marks what it repaired, and leaves the mark where it failed.
func TestMutexDo(t *testing.T) {
	m := newTestMutex(t, nil)
	testDo(t, m, func() *ipctest.Process { return ipctest.Start(t, lockHolder, m.Name()) })
}

// testDo tests the Do of a lock that start locks in another process.
func testDo(t *testing.T, m interface {
	Do(context.Context, func(bool) error) error
}, start func() *ipctest.Process) {
	do := func(want bool, f func() error) error {
		t.Helper()
		return m.Do(t.Context(), func(recovered bool) error {
			if recovered != want {
				t.Errorf("recovered is %v, want %v", recovered, want)
			}
			return f()
		})
	}
	fine := func() error { return nil }
	if err := do(false, fine); err != nil {
		t.Error(err)
	}
	p := start()
	p.Expect("locked false")
	p.Kill()
	p.Wait()
	failure := errors.New("can't repair it")
	if err := do(true, func() error { return failure }); err != failure {
		t.Errorf("error is %v", err)
	}
	func() {
		defer func() {
			if recover() != "panic" {
				t.Error("the panic was swallowed")
			}
		}()
		do(true, func() error { panic("panic") })
	}()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		do(true, func() error { runtime.Goexit(); return nil })
	}()
	<-ended
	if err := do(true, fine); err != nil {
		t.Error(err)
	}
	if err := do(false, fine); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Do(t.Context(), func(bool) error {
		return m.Do(ctx, func(bool) error { t.Error("called without the lock"); return nil })
	}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestMutexExistence(t *testing.T) {
	name := ipctest.UniqueName()
	_, err := OpenMutex(name, nil)
	ipctest.WantError(t, err, os.ErrNotExist, "CreateMutex", "ipc create mutex://")
	m := newTestMutex(t, nil)
	_, err = CreateMutex(m.Name(), nil)
	ipctest.WantError(t, err, os.ErrExist, "OpenMutex", removal(KindMutex))
	other, err := OpenOrCreateMutex(m.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if other.Created() || !m.Created() {
		t.Error("it was created by the wrong one")
	}
	other.Close()
	_, err = CreateMutex("a/b", nil)
	ipctest.WantError(t, err, os.ErrInvalid, "'/'")
}

func TestZeroHeld(t *testing.T) {
	var h Held
	if h.Recovered() || !errors.Is(h.Unlock(), os.ErrInvalid) || !errors.Is(h.MarkConsistent(), os.ErrInvalid) {
		t.Error("the zero Held holds something")
	}
}
