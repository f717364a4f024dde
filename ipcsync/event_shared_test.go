package ipcsync

import (
	"context"
	"errors"
	"io/fs"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// placeEvent makes an event in a file, of our own layout on every system.
func placeEvent(t *testing.T, cfg *Config) *Event {
	t.Helper()
	e, err := CreateEvent("", configAt(newPlace(t, 1), cfg))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// Nonsense in the word of an event that is in use is an error, and nothing worse.
func TestEventOverwritten(t *testing.T) {
	e := placeEvent(t, nil)
	state := e.event.(*sharedEvent).state
	for _, nonsense := range []uint64{0, eventSet, eventMade | eventManual, ^uint64(0)} {
		state.Store(nonsense)
		ipctest.WantError(t, e.Wait(t.Context()), breezeway.ErrMismatch)
		_, err := e.TryWait()
		ipctest.WantError(t, err, breezeway.ErrMismatch)
		ipctest.WantError(t, e.Set(), breezeway.ErrMismatch)
		ipctest.WantError(t, e.Reset(), breezeway.ErrMismatch)
		_, err = e.Stats()
		ipctest.WantError(t, err, breezeway.ErrMismatch)
		if got := state.Load(); got != nonsense {
			t.Errorf("it was changed from %#x to %#x", nonsense, got)
		}
	}
	state.Store(eventMade)
	mustSet(t, e)
	wantSet(t, e, true)
}

// Every wait that is under way when an event is set is let through, however soon
// it is reset.
func TestEventPulse(t *testing.T) {
	e := placeEvent(t, &Config{ManualReset: true})
	const waiters = 20
	for range ipctest.Count(200) {
		done := make(chan error)
		for range waiters {
			go func() { done <- e.Wait(context.Background()) }()
		}
		mustAwaitWaiting(t, waiters)
		mustSet(t, e)
		mustReset(t, e)
		for range waiters {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		wantSet(t, e, false)
	}
}

// Events beside each other in a file are different ones.
func TestEventInPlace(t *testing.T) {
	at := newPlace(t, 2)
	a, err := CreateEvent("", &Config{At: at})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	_, err = CreateEvent("", &Config{At: at})
	ipctest.WantError(t, err, fs.ErrExist)
	at.Offset = Size
	_, err = OpenEvent("", &Config{At: at})
	ipctest.WantError(t, err, fs.ErrNotExist)
	b, err := CreateEvent("", &Config{At: at, ManualReset: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	mustSet(t, a)
	wantSet(t, b, false)
	mustSet(t, b)
	wantSet(t, a, true)
	wantSet(t, b, true)
	m, err := OpenMutex("", &Config{At: at})
	if !errors.Is(err, breezeway.ErrMismatch) {
		t.Errorf("an event is opened as a mutex: %v, %v", m, err)
	}
}
