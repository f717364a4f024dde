//go:build killpoints

package ipcsync

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// rwMortal takes the lock Args[0] in the way Args[1], says so if it is to wait,
// and gives it back.
var rwMortal = ipctest.Helper("rw mortal", func(c *ipctest.Control) error {
	m, err := OpenOrCreateRWMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	ctx := context.Background()
	take := m.Lock
	switch c.Args[1] {
	case "read":
		take = m.RLock
	case "give up":
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
	}
	h, err := take(ctx)
	if err != nil {
		return err
	}
	if len(c.Args) > 2 {
		c.Say("held")
		c.Hear()
	}
	return h.Unlock()
})

// wantRWLock takes the lock to write and to read, soon.
func wantRWLock(t *testing.T, m *RWMutex, recovered bool) {
	t.Helper()
	h := wantHeld(t, soon(t, acquiring(t, m.Lock)), recovered)
	if err := h.MarkConsistent(); err != nil {
		t.Error(err)
	}
	mustUnlock(t, h)
	mustUnlock(t, wantHeld(t, soon(t, acquiring(t, m.RLock)), false))
	mustUnlock(t, wantHeld(t, soon(t, acquiring(t, m.Lock)), false))
	wantRWNobody(t, m)
}

func wantRWNobody(t *testing.T, m *RWMutex) {
	t.Helper()
	if st, err := m.Stats(); err != nil || st.Holders != 0 || st.Waiters != 0 || st.Value != 1 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

// Wherever a process is killed that no other waits for, the next one goes on, and
// is told only of a writer that was alone there.
func TestKillMatrixRWMutex(t *testing.T) {
	for way, points := range map[string][]string{
		"read": {"object filled", "object linked", "slot locked", "slot counted", "rwmutex reader counted", "rwmutex reader uncounted"},
		"lock": {"object filled", "object linked", "slot locked", "slot counted", "owner taken", "rwmutex drained", "owner given"},
	} {
		for _, point := range points {
			t.Run(way+" "+point, func(t *testing.T) {
				name := ipctest.UniqueName()
				wantKilled(t, mortalAt(t, point, rwMortal, name, way))
				m, err := OpenOrCreateRWMutex(name, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer Remove(KindRWMutex, name, nil)
				defer m.Close()
				wantRWLock(t, m, point == "rwmutex drained")
			})
		}
	}
}

// The same for the readers that come first.
func TestKillMatrixRWMutexReadersFirst(t *testing.T) {
	for _, point := range []string{"rwmutex reader counted", "rwmutex reader uncounted", "owner taken"} {
		t.Run(point, func(t *testing.T) {
			m := newTestRWMutex(t, nil)
			way := "read"
			if point == "owner taken" {
				way = "lock"
			}
			wantKilled(t, mortalAt(t, point, rwMortal, m.Name(), way))
			mustUnlock(t, wantHeld(t, soon(t, acquiring(t, m.RLock)), false))
			wantRWLock(t, m, false)
		})
	}
}

// A process that is killed while another waits for it to unlock doesn't keep that.
func TestKillMatrixRWMutexUnlock(t *testing.T) {
	for _, c := range []struct {
		way, point, waiter string
		recovered          bool
	}{
		{"lock", "owner given", "read", false},
		{"lock", "owner given", "lock", false},
		{"lock", "gate moved", "lock", false},
		{"lock", "rwmutex turn given", "read and lock", true},
		{"read", "rwmutex reader uncounted", "lock", false},
		{"read", "gate moved", "lock", false},
	} {
		if c.point == "gate moved" && runtime.GOOS == "windows" {
			continue // where all are woken in one step
		}
		t.Run(c.way+" "+c.point+" "+c.waiter, func(t *testing.T) {
			m := newTestRWMutex(t, nil)
			p := mortalAt(t, c.point, rwMortal, m.Name(), c.way, "wait")
			p.Expect("held")
			var reading, writing <-chan outcome
			waiters := 0
			if c.waiter != "lock" {
				reading = acquiring(t, m.RLock)
				waiters++
			}
			if c.waiter != "read" {
				writing = acquiring(t, m.Lock)
				waiters++
			}
			awaitWaiters(t, m, waiters)
			p.Say("go on")
			wantKilled(t, p)
			killed := time.Now()
			for range waiters { // either may find the death first
				select {
				case o := <-writing:
					h := wantHeld(t, o, c.recovered)
					if err := h.MarkConsistent(); err != nil {
						t.Error(err)
					}
					mustUnlock(t, h)
				case o := <-reading:
					if o.err != nil {
						t.Fatal(o.err)
					}
					if o.Recovered() && !c.recovered {
						t.Error("told of a death that left nothing")
					}
					mustUnlock(t, o.Held)
				case <-time.After(ipctest.Patience):
					t.Fatal("it still waits")
				}
			}
			ipctest.WantSince(t, killed, soonBound)
			wantRWLock(t, m, false)
		})
	}
}

// A process that is killed falling asleep leaves nothing.
func TestKillMatrixRWMutexWait(t *testing.T) {
	m := newTestRWMutex(t, nil)
	for _, c := range []struct {
		held func(context.Context) (Held, error)
		way  string
	}{{m.Lock, "lock"}, {m.Lock, "read"}, {m.RLock, "lock"}} {
		h := mustTake(t, c.held)
		wantKilled(t, mortalAt(t, "gate announced", rwMortal, m.Name(), c.way))
		mustUnlock(t, h)
		wantRWLock(t, m, false)
	}
}

// A writer that gives up and is killed then doesn't keep others.
func TestKillMatrixRWMutexGiveUp(t *testing.T) {
	m := newTestRWMutex(t, nil)
	h := mustTake(t, m.RLock)
	wantKilled(t, mortalAt(t, "owner given", rwMortal, m.Name(), "give up"))
	mustUnlock(t, wantHeld(t, soon(t, acquiring(t, m.RLock)), false))
	mustUnlock(t, h)
	wantRWLock(t, m, false)
}

// What dead processes left is taken back even if the process that does it is killed.
func TestKillMatrixRWMutexRecovery(t *testing.T) {
	t.Run("reader", func(t *testing.T) {
		for _, point := range []string{"rwmutex reader buried", "rwmutex slot cleared"} {
			t.Run(point, func(t *testing.T) {
				at := ipctest.UniqueName()
				// The first leaves a reader in the slot that the second takes.
				wantKilled(t, mortalAt(t, "rwmutex reader counted", rwMortal, at, "read"))
				if point == "rwmutex reader buried" {
					keep, err := OpenRWMutex(at, nil) // has that slot meanwhile
					if err != nil {
						t.Fatal(err)
					}
					wantKilled(t, mortalAt(t, "rwmutex reader counted", rwMortal, at, "read"))
					if err := keep.Close(); err != nil {
						t.Error(err)
					}
				}
				wantKilled(t, mortalAt(t, point, rwMortal, at, "lock"))
				m, err := OpenRWMutex(at, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer Remove(KindRWMutex, at, nil)
				defer m.Close()
				wantRWLock(t, m, false)
			})
		}
	})
	t.Run("writer", func(t *testing.T) {
		m := newTestRWMutex(t, nil)
		wantKilled(t, mortalAt(t, "rwmutex drained", rwMortal, m.Name(), "lock"))
		// These take it over and are killed before they may touch anything.
		wantKilled(t, mortalAt(t, "owner taken", rwMortal, m.Name(), "lock"))
		wantKilled(t, mortalAt(t, "owner taken", rwMortal, m.Name(), "lock"))
		wantRWLock(t, m, true)
	})
	t.Run("pending writer, by a reader", func(t *testing.T) {
		m := newTestRWMutex(t, nil)
		wantKilled(t, mortalAt(t, "owner taken", rwMortal, m.Name(), "lock"))
		wantKilled(t, mortalAt(t, "owner buried", rwMortal, m.Name(), "read"))
		mustUnlock(t, wantHeld(t, soon(t, acquiring(t, m.RLock)), false))
		wantRWLock(t, m, false)
	})
	t.Run("writer, by a reader", func(t *testing.T) {
		m := newTestRWMutex(t, nil)
		wantKilled(t, mortalAt(t, "rwmutex drained", rwMortal, m.Name(), "lock"))
		wantKilled(t, mortalAt(t, "owner buried", rwMortal, m.Name(), "read"))
		mustUnlock(t, wantHeld(t, soon(t, acquiring(t, m.RLock)), true))
		wantRWLock(t, m, true)
	})
	t.Run("again and again", func(t *testing.T) {
		m := newTestRWMutex(t, nil)
		for range 3 {
			wantKilled(t, mortalAt(t, "rwmutex drained", rwMortal, m.Name(), "lock"))
		}
		mustUnlock(t, wantHeld(t, soon(t, acquiring(t, m.RLock)), true))
		wantRWLock(t, m, true)
		wantRWLock(t, m, false)
	})
}
