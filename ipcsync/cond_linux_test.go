package ipcsync

import (
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
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
	wantError(t, <-done, breezeway.ErrRemoved)
	if d := time.Since(start); d > time.Second {
		t.Errorf("it took %v", d)
	}
	mustUnlock(t, h)
}

// A wake-up that was spent on a process that does nothing with it, the others find
// out about.
func TestCondWakeOfTheStopped(t *testing.T) {
	m, c := newTestMutex(t, nil), newTestCond(t)
	stopped := startCondUser(t, m, c, 1)
	stopped.Process.Signal(syscall.SIGSTOP)
	other := startCondUser(t, m, c, 1)
	start := time.Now()
	mustSignal(t, c.Signal)
	other.Expect("woken <nil>")
	if d := time.Since(start); d > 200*time.Millisecond*slack/2 {
		t.Errorf("it took %v", d)
	}
	stopped.Process.Signal(syscall.SIGCONT)
	stopped.Expect("woken <nil>")
}
