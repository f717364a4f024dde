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
		if err := Remove(KindMutex, m.Name(), cfg); err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
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

func TestMutexExcludes(t *testing.T) {
	m := newTestMutex(t, nil)
	p := ipctest.Start(t, lockHolder, m.Name())
	p.Expect("locked false")
	wantBusy(t, m)
	p.Say("unlock")
	p.Expect("done")
	h := mustLock(t, m)
	if h.Recovered() {
		t.Error("recovered from one who unlocked")
	}
	mustUnlock(t, h)
	wantError(t, h.Unlock(), os.ErrInvalid)
	p.Say("end")
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

func TestMutexOfTheDead(t *testing.T) {
	t.Run("who comes", func(t *testing.T) { testMutexOfTheDead(t, false) })
	t.Run("who waits", func(t *testing.T) { testMutexOfTheDead(t, true) })
}

func testMutexOfTheDead(t *testing.T, waits bool) {
	m := newTestMutex(t, nil)
	p := ipctest.Start(t, lockHolder, m.Name())
	p.Expect("locked false")
	locked := make(chan Held, 1)
	lock := func() { locked <- mustLock(t, m) }
	if waits {
		go lock()
		awaitWaiters(t, m, 1)
	}
	p.Kill()
	p.Wait()
	start := time.Now()
	if !waits {
		lock()
	}
	h := <-locked
	if d := time.Since(start); d > 200*time.Millisecond*slack/2 {
		t.Errorf("it took %v", d)
	}
	if !h.Recovered() {
		t.Error("not told that the owner died")
	}
	if err := h.MarkConsistent(); err != nil {
		t.Error(err)
	}
	mustUnlock(t, h)
	wantError(t, h.Unlock(), os.ErrInvalid)
	h = mustLock(t, m)
	if h.Recovered() {
		t.Error("recovered twice")
	}
	mustUnlock(t, h)
	if st, err := m.Stats(); err != nil || st.Recoveries != 1 || st.Value != 1 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

// Every holder is told of a death until one of them marks the mutex as consistent.
func TestMutexStaysRecovered(t *testing.T) {
	m := newTestMutex(t, nil)
	first := ipctest.Start(t, lockHolder, m.Name())
	first.Expect("locked false")
	first.Kill()
	first.Wait()
	second := ipctest.Start(t, lockHolder, m.Name())
	second.Expect("locked true")
	second.Say("unlock") // without a word about what it protects
	second.Expect("done")
	second.Say("end")
	second.Wait()
	third := ipctest.Start(t, lockHolder, m.Name())
	third.Expect("locked true")
	third.Kill()
	third.Wait()
	h := mustLock(t, m)
	wantRecovered(t, h, true)
	mustUnlock(t, h)
	h, ok, err := m.TryLock()
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	wantRecovered(t, h, true)
	if st, err := m.Stats(); err != nil || !st.Recovered || st.Recoveries != 2 {
		t.Errorf("stats: %+v, %v", st, err)
	}
	if err := h.MarkConsistent(); err != nil {
		t.Error(err)
	}
	if err := h.MarkConsistent(); err != nil {
		t.Errorf("marking twice: %v", err)
	}
	mustUnlock(t, h)
	h = mustLock(t, m)
	wantRecovered(t, h, false)
	mustUnlock(t, h)
	if st, err := m.Stats(); err != nil || st.Recovered {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

func wantRecovered(t testing.TB, h Held, want bool) {
	t.Helper()
	if h.Recovered() != want {
		t.Errorf("recovered is %v, want %v", h.Recovered(), want)
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

func TestMutexCancelled(t *testing.T) {
	m := newTestMutex(t, nil)
	h := mustLock(t, m)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	go func() {
		_, err := m.Lock(ctx)
		done <- err
	}()
	awaitWaiters(t, m, 1)
	start := time.Now()
	cancel(cause)
	wantError(t, <-done, cause)
	if d := time.Since(start); d > 10*time.Millisecond*slack {
		t.Errorf("it took %v to end", d)
	}
	mustUnlock(t, h)
	// What is free is taken, whatever the context says.
	h, err := m.Lock(ctx)
	if err != nil {
		t.Fatal(err)
	}
	mustUnlock(t, h)
}

func TestMutexClose(t *testing.T) {
	m := newTestMutex(t, nil)
	other, err := OpenMutex(m.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	h := mustLock(t, m)
	done := make(chan error)
	go func() {
		_, err := other.Lock(t.Context())
		done <- err
	}()
	awaitWaiters(t, m, 1)
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	wantError(t, <-done, os.ErrClosed)
	_, err = other.Lock(t.Context())
	wantError(t, err, os.ErrClosed)
	_, ok, err := other.TryLock()
	wantError(t, err, os.ErrClosed)
	if ok {
		t.Error("locked a closed mutex")
	}
	_, err = other.Stats()
	wantError(t, err, os.ErrClosed)
	if err := other.Close(); err != nil {
		t.Error(err)
	}

	// Close by its holder is like its death.
	other, err = OpenMutex(m.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	wantError(t, h.Unlock(), os.ErrClosed)
	h = mustLock(t, other)
	if !h.Recovered() {
		t.Error("not told that the holder closed")
	}
	if err := h.MarkConsistent(); err != nil {
		t.Error(err)
	}
	mustUnlock(t, h)
}

func TestMutexExistence(t *testing.T) {
	name := ipctest.UniqueName()
	_, err := OpenMutex(name, nil)
	wantError(t, err, os.ErrNotExist, "CreateMutex", "ipc create mutex://")
	m := newTestMutex(t, nil)
	_, err = CreateMutex(m.Name(), nil)
	wantError(t, err, os.ErrExist, "OpenMutex", removal(KindMutex))
	other, err := OpenOrCreateMutex(m.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if other.Created() || !m.Created() {
		t.Error("it was created by the wrong one")
	}
	other.Close()
	_, err = CreateMutex("a/b", nil)
	wantError(t, err, os.ErrInvalid, "'/'")
}

func TestZeroHeld(t *testing.T) {
	var h Held
	if h.Recovered() || !errors.Is(h.Unlock(), os.ErrInvalid) || !errors.Is(h.MarkConsistent(), os.ErrInvalid) {
		t.Error("the zero Held holds something")
	}
}

// All who wait are counted, in whatever process.
func TestMutexCountsWaiters(t *testing.T) {
	m := newTestMutex(t, nil)
	h := mustLock(t, m)
	p := ipctest.Start(t, lockHolder, m.Name())
	ctx, cancel := context.WithCancel(t.Context())
	const here = 5
	done := make(chan error, here)
	for range here {
		go func() {
			_, err := m.Lock(ctx)
			done <- err
		}()
	}
	awaitWaiters(t, m, here+1)
	cancel()
	for range here {
		wantError(t, <-done, context.Canceled)
	}
	awaitWaiters(t, m, 1)
	mustUnlock(t, h)
	p.Expect("locked false")
	awaitWaiters(t, m, 0)
	p.Say("unlock")
	p.Expect("done")
	p.Say("end")
	p.Wait()
}
