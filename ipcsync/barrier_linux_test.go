package ipcsync

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestBarrierRemoved(t *testing.T) {
	b := newTestBarrier(t, 3)
	p := startParty(t, b)
	p.Say("wait")
	ours := meet(t.Context(), b, 1)
	awaitWaiters(t, b, 2)
	if err := Remove(KindBarrier, b.Name(), nil); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	err := (<-ours).err
	theirs := p.Hear()
	ipctest.WantSince(t, start, time.Second)
	// The process that finds it out first breaks the barrier for the other, unless
	// that has just found it out too.
	switch {
	case theirs == "broken":
		ipctest.WantError(t, err, breezeway.ErrRemoved)
	case theirs != "removed":
		t.Errorf("the other one: %q", theirs)
	case !errors.Is(err, breezeway.ErrRemoved):
		ipctest.WantError(t, err, breezeway.ErrBroken)
	}
	ipctest.WantError(t, Remove(KindBarrier, b.Name(), nil), os.ErrNotExist)
}

// A stopped process is not dead.
func TestBarrierOfTheStopped(t *testing.T) {
	b := newTestBarrier(t, 3)
	p := startParty(t, b)
	p.Say("wait")
	awaitWaiters(t, b, 1)
	goOn := ipctest.Stop(t, p.Process.Pid)
	ours := meet(t.Context(), b, 1)
	awaitWaiters(t, b, 2)
	select {
	case m := <-ours:
		t.Fatalf("not all have come: %+v", m)
	case <-time.After(150 * time.Millisecond):
	}
	if index, err := b.Wait(t.Context()); index != 2 || err != nil {
		t.Error(index, err)
	}
	if m := <-ours; m.err != nil {
		t.Error(m.err)
	}
	goOn()
	p.Expect("0")
}
