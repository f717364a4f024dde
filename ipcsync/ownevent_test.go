package ipcsync

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/object"
)

// testMismatch gives open objects that are not what they should be: each is
// refused, and left as it is. The payload begins with start.
func testMismatch(t *testing.T, kind string, start []byte, open func(name string) (interface{ Close() error }, error)) {
	whole := func(t *testing.T) []byte {
		b, err := headerOf(kind).Encode()
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, make([]byte, payload)...)
		copy(b[cacheLine:], start)
		return b
	}
	try := func(t *testing.T, b []byte) error {
		name := ipctest.UniqueName()
		path, err := object.Path(kind, name, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(path)
		o, refusal := open(name)
		if refusal == nil {
			o.Close()
		} else if after, err := os.ReadFile(path); err != nil || string(after) != string(b) {
			t.Errorf("it was changed: %v", err)
		}
		return refusal
	}
	if err := try(t, whole(t)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(b []byte) []byte{
		"empty":   func(b []byte) []byte { return nil },
		"short":   func(b []byte) []byte { return b[:len(b)-1] },
		"foreign": func(b []byte) []byte { copy(b, "GIF89a  "); return b },
		"kind":    func(b []byte) []byte { copy(b[8:], "latest\x00\x00"); return b },
		"newer":   func(b []byte) []byte { binary.LittleEndian.PutUint16(b[20:], layoutVersion+1); return b },
		"payload": func(b []byte) []byte { binary.LittleEndian.PutUint64(b[32:], 1<<40); return b },
		"zeros":   func(b []byte) []byte { clear(b[cacheLine:]); return b },
	} {
		if name == "zeros" && start == nil {
			continue // that is how it begins
		}
		t.Run(name, func(t *testing.T) {
			wantError(t, try(t, change(whole(t))), breezeway.ErrMismatch)
		})
	}
}

func TestEventMismatch(t *testing.T) {
	testMismatch(t, eventKind, []byte{eventMade}, func(name string) (interface{ Close() error }, error) {
		e, err := newOwnEvent(attach(openOrCreate, eventKind, name, nil, fillEvent(nil)))
		return e, failed(eventKind, "open", name, err)
	})
}

// placeEvent makes an event in a file, of our own layout on every system.
func placeEvent(t *testing.T, cfg *Config) *Event {
	t.Helper()
	e, err := CreateEventAt(newPlace(t, 1), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// Nonsense in the word of an event that is in use is an error, and nothing worse.
func TestEventOverwritten(t *testing.T) {
	e := placeEvent(t, nil)
	state := e.flag.(*ownEvent).state
	for _, nonsense := range []uint64{0, eventSet, eventMade | eventManual, ^uint64(0)} {
		state.Store(nonsense)
		wantError(t, e.Wait(t.Context()), breezeway.ErrMismatch)
		_, err := e.TryWait()
		wantError(t, err, breezeway.ErrMismatch)
		wantError(t, e.Set(), breezeway.ErrMismatch)
		wantError(t, e.Reset(), breezeway.ErrMismatch)
		_, err = e.Stats()
		wantError(t, err, breezeway.ErrMismatch)
		if got := state.Load(); got != nonsense {
			t.Errorf("it was changed from %#x to %#x", nonsense, got)
		}
	}
	state.Store(eventMade)
	mustSet(t, e)
	wantSet(t, e, true)
}

// Whoever waits when an event is set is let through, however soon it is reset.
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
	a, err := CreateEventAt(at, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	_, err = CreateEventAt(at, nil)
	wantError(t, err, fs.ErrExist)
	at.Offset = Size
	_, err = OpenEventAt(at, nil)
	wantError(t, err, fs.ErrNotExist)
	b, err := CreateEventAt(at, &Config{ManualReset: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	mustSet(t, a)
	wantSet(t, b, false)
	mustSet(t, b)
	wantSet(t, a, true)
	wantSet(t, b, true)
	m, err := OpenMutexAt(at, nil)
	if !errors.Is(err, breezeway.ErrMismatch) {
		t.Errorf("an event is opened as a mutex: %v, %v", m, err)
	}
}
