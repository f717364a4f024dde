//go:build killpoints

package ipcsync

import (
	"context"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
)

// Close overtakes an Unlock that has freed the mutex, and has not yet woken a waiter. The
// waiter has the mutex at once all the same, and not only when it looks again.
func TestKillMatrixUnlockOvertakenByClose(t *testing.T) {
	const rounds = 8
	late := 0
	for range rounds {
		waiting := newTestMutex(t, nil)
		closing, err := OpenMutex(waiting.Name(), nil)
		if err != nil {
			t.Fatal(err)
		}
		h := mustLock(t, closing)
		locked := make(chan time.Time, 1)
		go func() {
			h, err := waiting.Lock(context.Background())
			if err != nil {
				t.Error(err)
			} else {
				mustUnlock(t, h)
			}
			locked <- time.Now()
		}()
		awaitWaiters(t, waiting, 1)
		gave, goOn := make(chan bool), make(chan bool)
		killpoint.Stall("owner given", func() {
			gave <- true
			<-goOn
		})
		unlocked := make(chan error, 1)
		go func() { unlocked <- h.Unlock() }()
		<-gave
		start := time.Now()
		if err := closing.Close(); err != nil {
			t.Error(err)
		}
		close(goOn)
		<-unlocked
		if (<-locked).Sub(start) > 20*time.Millisecond {
			late++
		}
	}
	if late > rounds/4 {
		ipctest.Late(t, "%d of %d waiters were late", late, rounds)
	}
}
