//go:build killpoints

package ipcsync

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// mortalParty waits at the barrier Args[0], gives up soon, and resets it.
var mortalParty = ipctest.Helper("mortal party", func(c *ipctest.Control) error {
	b, err := OpenOrCreateBarrier(c.Args[0], 3, nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := b.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return b.Reset()
})

// Wherever a party is killed, the others are let go, and can begin anew.
func TestKillMatrixBarrier(t *testing.T) {
	for _, point := range []string{
		"object filled", "object linked", "slot locked", "slot counted",
		"barrier part taken", "barrier arrived", "gate announced", "barrier broken", "barrier reset",
	} {
		t.Run(point, func(t *testing.T) {
			name := ipctest.UniqueName()
			if strings.HasPrefix(point, "object") {
				wantKilled(t, mortalAt(t, point, mortalParty, name))
			}
			b, err := OpenOrCreateBarrier(name, 3, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer Remove(KindBarrier, name, nil)
			defer b.Close()
			if strings.HasPrefix(point, "barrier") || strings.HasPrefix(point, "gate") {
				ours := meet(t.Context(), b, 1)
				awaitWaiters(t, b, 1)
				wantKilled(t, mortalAt(t, point, mortalParty, name))
				start := time.Now()
				ipctest.WantError(t, (<-ours).err, breezeway.ErrBroken)
				ipctest.WantSince(t, start, 200*time.Millisecond)
				if err := b.Reset(); err != nil {
					t.Fatal(err)
				}
			} else if !strings.HasPrefix(point, "object") {
				wantKilled(t, mortalAt(t, point, mortalParty, name))
			}
			for range 2 {
				ours := meet(t.Context(), b, 3)
				for range 3 {
					if m := <-ours; m.err != nil {
						t.Error(m.err)
					}
				}
			}
		})
	}
}

// A process that is killed between letting the others go and waking them doesn't
// keep them.
func TestKillMatrixBarrierLast(t *testing.T) {
	b := newTestBarrier(t, 3)
	ours := meet(t.Context(), b, 2)
	awaitWaiters(t, b, 2)
	wantKilled(t, mortalAt(t, "barrier arrived", mortalParty, b.Name()))
	start := time.Now()
	for range 2 {
		if m := <-ours; m.err != nil {
			t.Error(m.err)
		}
	}
	ipctest.WantSince(t, start, 200*time.Millisecond)
	// Nor is it taken for one of the next round.
	ours = meet(t.Context(), b, 3)
	for range 3 {
		if m := <-ours; m.err != nil {
			t.Error(m.err)
		}
	}
}

// A process that finds a dead one's slot and is killed in turn leaves it to the next.
func TestKillMatrixBarrierSlot(t *testing.T) {
	b := newTestBarrier(t, 3)
	wantKilled(t, mortalAt(t, "barrier arrived", mortalParty, b.Name()))
	wantKilled(t, mortalAt(t, "slot counted", mortalParty, b.Name()))
	ours := meet(t.Context(), b, 1)
	ipctest.WantError(t, (<-ours).err, breezeway.ErrBroken)
	if st, err := b.Stats(); err != nil || st.Recoveries != 1 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}
