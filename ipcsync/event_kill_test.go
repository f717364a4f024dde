//go:build killpoints

package ipcsync

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// mortalEvent sets the event Args[0] in a place and waits for it.
var mortalEvent = ipctest.Helper("mortal event", func(c *ipctest.Control) error {
	e, done, err := openEventOf("placed", c.Args[0])
	if err != nil {
		return err
	}
	defer done()
	defer e.Close()
	if c.Args[1] == "set" {
		if err := e.Set(); err != nil {
			return err
		}
	}
	return e.Wait(context.Background())
})

// Wherever a process is killed, the others go on, and what it had taken it takes
// with it.
func TestKillMatrixEvent(t *testing.T) {
	for point, left := range map[string]bool{
		"slot locked":  false,
		"slot counted": false,
		"event set":    true,
		"event taken":  false,
	} {
		t.Run(point, func(t *testing.T) {
			at := newPlace(t, 1)
			e, err := CreateEvent("", &Config{At: at})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			wantKilled(t, mortalAt(t, point, mortalEvent, at.File.Name(), "set"))
			wantSet(t, e, left)
			p := ipctest.Start(t, eventUser, "placed", at.File.Name())
			p.Expect("opened false")
			tellToWait(t, p, 1)
			mustSet(t, e)
			p.Expect("through <nil>")
			wantSet(t, e, false)
		})
	}
}

// A process that is killed while it wakes others has woken them, or they find it
// out.
func TestKillMatrixEventSet(t *testing.T) {
	for _, cfg := range []*Config{nil, {ManualReset: true}} {
		for _, point := range []string{"event set", "gate moved"} {
			if point == "gate moved" && (cfg != nil || runtime.GOOS == "windows") {
				continue // all are woken, in one step
			}
			t.Run(point, func(t *testing.T) {
				at := newPlace(t, 1)
				e, err := CreateEvent("", configAt(at, cfg))
				if err != nil {
					t.Fatal(err)
				}
				defer e.Close()
				done := make(chan time.Time)
				go func() {
					if err := e.Wait(context.Background()); err != nil {
						t.Error(err)
					}
					done <- time.Now()
				}()
				mustAwaitWaiting(t, 1)
				wantKilled(t, mortalAt(t, point, mortalEvent, at.File.Name(), "set"))
				start := time.Now()
				ipctest.WantWithin(t, (<-done).Sub(start), 200*time.Millisecond)
				wantSet(t, e, cfg != nil)
			})
		}
	}
}

// A process that is killed falling asleep leaves nothing.
func TestKillMatrixEventWait(t *testing.T) {
	at := newPlace(t, 1)
	e, err := CreateEvent("", &Config{At: at})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	wantKilled(t, mortalAt(t, "gate announced", mortalEvent, at.File.Name(), "wait"))
	mustSet(t, e)
	wantSet(t, e, true)
	if st, err := e.Stats(); err != nil || st.Waiters != 0 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

// A process that is killed making an event leaves none, or a complete one.
func TestKillMatrixEventCreate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a named event is the kernel's")
	}
	for _, point := range []string{"object filled", "object linked"} {
		t.Run(point, func(t *testing.T) {
			name := ipctest.UniqueName()
			wantKilled(t, mortalAt(t, point, mortalEventMaker, name))
			e, err := OpenOrCreateEvent(name, &Config{ManualReset: true})
			if err != nil {
				t.Fatal(err)
			}
			defer Remove(KindEvent, name, nil)
			defer e.Close()
			mustSet(t, e)
			wantSet(t, e, true)
			wantSet(t, e, true)
		})
	}
}

var mortalEventMaker = ipctest.Helper("mortal event maker", func(c *ipctest.Control) error {
	e, err := CreateEvent(c.Args[0], &Config{ManualReset: true})
	if err != nil {
		return err
	}
	return e.Close()
})
