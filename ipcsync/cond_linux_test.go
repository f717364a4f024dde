package ipcsync

import (
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestCondRemoved(t *testing.T) {
	m, c := newTestMutex(t, nil), newTestCond(t)
	h := mustLock(t, m)
	done := make(chan error)
	go func() {
		var err error
		h, err = c.Wait(t.Context(), h)
		done <- err
	}()
	awaitWaiters(t, c, 1)
	if err := Remove(KindCond, c.Name(), nil); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	ipctest.WantError(t, <-done, breezeway.ErrRemoved)
	ipctest.WantSince(t, start, time.Second)
	mustUnlock(t, h)
}

// A wake-up that was spent on a process that does nothing with it, the others find
// out about.
func TestCondWakeOfTheStopped(t *testing.T) {
	m, c := newTestMutex(t, nil), newTestCond(t)
	stopped := startCondUser(t, m, c, 1)
	goOn := ipctest.Stop(t, stopped.Process.Pid)
	other := startCondUser(t, m, c, 1)
	start := time.Now()
	mustSignal(t, c.Signal)
	other.Expect("woken <nil>")
	ipctest.WantSince(t, start, 200*time.Millisecond)
	goOn()
	stopped.Expect("woken <nil>")
}
