package kernelobj

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

func newMutex(t *testing.T) (m *Mutex, name string) {
	t.Helper()
	name = ipctest.UniqueName()
	m, _, err := OpenMutex(robust.Create, name, breezeway.Session, ownRule(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m, name
}

func acquire(t *testing.T, m *Mutex) Owned {
	t.Helper()
	o, err := m.Acquire(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func release(t *testing.T, m *Mutex, o Owned) {
	t.Helper()
	if err := m.Release(o.Number); err != nil {
		t.Fatal(err)
	}
}

func TestMutexRecoveredUntilMarked(t *testing.T) {
	m, name := newMutex(t)
	const deaths = 3
	for range deaths { // Close is to the next owner as a death
		other, _, err := OpenMutex(robust.Open, name, breezeway.Session, ownRule(t))
		if err != nil {
			t.Fatal(err)
		}
		acquire(t, other)
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		for _, died := range []bool{true, false} {
			o := acquire(t, m)
			if !o.Recovered || o.OwnerDied != died {
				t.Errorf("%+v", o)
			}
			release(t, m, o)
		}
	}
	o := acquire(t, m)
	if st, err := m.Stats(); !o.Recovered || o.OwnerDied || err != nil || !st.Recovered || !st.Owned {
		t.Errorf("%+v; %+v, %v", o, st, err)
	}
	for range 2 {
		if err := m.MarkConsistent(o.Number); err != nil {
			t.Error(err)
		}
	}
	release(t, m, o)
	o = acquire(t, m)
	if o.Recovered {
		t.Error("recovered though it was marked")
	}
	release(t, m, o)
	if st, err := m.Stats(); err != nil || st.Recoveries != deaths || st.Owned || st.Abandoned || st.Recovered {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestMutexNotOwned(t *testing.T) {
	m, _ := newMutex(t)
	o := acquire(t, m)
	if _, ok, err := m.TryAcquire(); ok || err != nil {
		t.Error(ok, err)
	}
	release(t, m, o)
	next := acquire(t, m)
	for _, err := range []error{m.Release(o.Number), m.MarkConsistent(o.Number), m.Release(0)} {
		if err != robust.ErrNotHeld {
			t.Error(err)
		}
	}
	release(t, m, next)
}

func TestMutexCloseEndsWaits(t *testing.T) {
	m, _ := newMutex(t)
	acquire(t, m)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Acquire(ctx, nil); err != context.Canceled {
		t.Error(err)
	}
	result := make(chan error)
	go func() {
		_, err := m.Acquire(t.Context(), nil)
		result <- err
	}()
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if err := <-result; err != os.ErrClosed {
		t.Error(err)
	}
	if _, err := m.Stats(); err != os.ErrClosed {
		t.Error(err)
	}
}

// A semaphore with the name of the consistency but another maximum is refused, and
// left as it is.
func TestMutexForeignConsistency(t *testing.T) {
	name := ipctest.UniqueName()
	beside, err := CreateSemaphore(Name("bw.mutex."+name, breezeway.Session), 2, consistencyMost+1, ownRule(t))
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(beside)
	if _, _, err := OpenMutex(robust.Create, name, breezeway.Session, ownRule(t)); !errors.Is(err, breezeway.ErrMismatch) {
		t.Error(err)
	}
	if value, _, err := sys.QuerySemaphore(beside); value != 2 || err != nil {
		t.Error(value, err)
	}
}
