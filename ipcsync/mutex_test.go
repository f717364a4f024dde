package ipcsync

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
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
		if err := RemoveMutex(m.Name(), cfg); err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, errors.ErrUnsupported) {
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

func TestMutexNotRecoverable(t *testing.T) {
	for _, end := range []string{"unlock", "kill"} {
		t.Run(end, func(t *testing.T) {
			m := newTestMutex(t, nil)
			first := ipctest.Start(t, lockHolder, m.Name())
			first.Expect("locked false")
			first.Kill()
			first.Wait()
			second := ipctest.Start(t, lockHolder, m.Name())
			second.Expect("locked true")
			waiting := make(chan error)
			go func() {
				_, err := m.Lock(t.Context())
				waiting <- err
			}()
			if end == "unlock" {
				second.Say("unlock")
				second.Expect("done")
			} else {
				second.Kill()
				second.Wait()
			}
			wantError(t, <-waiting, breezeway.ErrNotRecoverable)
			_, _, err := m.TryLock()
			wantError(t, err, breezeway.ErrNotRecoverable)
			if st, err := m.Stats(); err != nil || !st.NotRecoverable || st.Value != 0 {
				t.Errorf("stats: %+v, %v", st, err)
			}
			if err := m.Reset(); err != nil {
				t.Fatal(err)
			}
			h := mustLock(t, m)
			if h.Recovered() {
				t.Error("recovered after Reset")
			}
			mustUnlock(t, h)
			if end == "unlock" {
				second.Say("end")
				second.Wait()
			}
		})
	}
}

// Reset needs nobody to have found out that the heir died too.
func TestMutexResetOfADeadHeir(t *testing.T) {
	m := newTestMutex(t, nil)
	for _, want := range []string{"locked false", "locked true"} {
		p := ipctest.Start(t, lockHolder, m.Name())
		p.Expect(want)
		p.Kill()
	}
	if err := m.Reset(); err != nil {
		t.Fatal(err)
	}
	h := mustLock(t, m)
	if h.Recovered() {
		t.Error("recovered after Reset")
	}
	mustUnlock(t, h)
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
	wantError(t, other.Reset(), os.ErrClosed)
	if err := other.Close(); err != nil {
		t.Error(err)
	}

	// Close of one who holds it is like his death.
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
	wantError(t, err, os.ErrExist, "OpenMutex", "ipc rm mutex://")
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
