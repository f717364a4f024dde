//go:build killpoints

package ipcsync

import (
	"context"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// Wherever a process is killed that no other waits for, the next one goes on.
func TestKillMatrixMutex(t *testing.T) {
	for point, recovered := range map[string]bool{
		"object filled": false,
		"object linked": false,
		"slot locked":   false,
		"slot counted":  false,
		"owner taken":   true,
		"owner given":   false,
	} {
		t.Run(point, func(t *testing.T) {
			name := ipctest.UniqueName()
			wantKilled(t, mortalAt(t, point, mortal, name))
			m, err := OpenOrCreateMutex(name, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer Remove(KindMutex, name, nil)
			defer m.Close()
			wantLock(t, m, recovered)
			wantLock(t, m, false)
		})
	}
}

// A process that is killed while another waits for it to unlock doesn't keep that.
func TestKillMatrixMutexUnlock(t *testing.T) {
	for _, point := range []string{"owner given", "gate moved"} {
		t.Run(point, func(t *testing.T) {
			m := newTestMutex(t, nil)
			p := mortalAt(t, point, mortal, m.Name(), "wait")
			p.Expect("locked")
			locked := make(chan Held)
			go func() {
				h, err := m.Lock(context.Background())
				if err != nil {
					t.Error(err)
				}
				locked <- h
			}()
			awaitWaiters(t, m, 1)
			p.Say("go on")
			wantKilled(t, p)
			killed := time.Now()
			h := <-locked
			ipctest.WantSince(t, killed, 200*time.Millisecond)
			if h.Recovered() {
				t.Error("recovered, though the lock was given up")
			}
			mustUnlock(t, h)
		})
	}
}

// A process that is killed falling asleep leaves nothing.
func TestKillMatrixMutexWait(t *testing.T) {
	m := newTestMutex(t, nil)
	h := mustLock(t, m)
	wantKilled(t, mortalAt(t, "gate announced", mortal, m.Name()))
	mustUnlock(t, h)
	wantLock(t, m, false)
	if st, err := m.Stats(); err != nil || st.Waiters != 0 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

// A process that takes the lock over from a dead one and is killed at once leaves it
// as it was: the next holder is told.
func TestKillMatrixMutexRecovery(t *testing.T) {
	m := newTestMutex(t, nil)
	for range 3 {
		wantKilled(t, mortalAt(t, "owner taken", mortal, m.Name()))
	}
	h := mustLock(t, m)
	if !h.Recovered() {
		t.Error("not told of the deaths")
	}
	mustUnlock(t, h)
	wantKilled(t, mortalAt(t, "owner given", mortal, m.Name()))
	wantLock(t, m, true)
	wantLock(t, m, false)
}

func wantRecovered(t testing.TB, h Held, want bool) {
	t.Helper()
	if h.Recovered() != want {
		t.Errorf("recovered is %v, want %v", h.Recovered(), want)
	}
}
