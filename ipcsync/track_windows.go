package ipcsync

import (
	"context"
	"math"

	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// await waits at a gate of the object, since a wait for the kernel's semaphore takes
// from it. Permits that a program releases without Config.Track are found within
// 100 ms.
func (t *tracked) await(ctx context.Context, c *robust.Claim) error {
	return t.Wait(ctx, t.more, c, func(bool) (bool, error) { return t.permits.tryAcquire(0) })
}

// identify sets all counts to 0 if this process has just made the semaphore: they
// are those of an earlier one. No process holds a permit of the new one yet, since a
// process that tracks opens the semaphore in the section. A step that is noted was the
// earlier one's too.
func (t *tracked) identify() error {
	if t.fresh {
		t.head.step.Store(nothing)
		for i := range t.Slots.Entries() {
			t.Slots.Entries()[i].State.And(^uint64(math.MaxUint32))
		}
	}
	t.fresh = false
	return nil
}
