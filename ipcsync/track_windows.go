package ipcsync

import (
	"context"
	"math"
)

// await waits at a gate of the object, since to wait for the kernel's semaphore is
// to take from it. What those release who don't track is found within 100 ms.
func (t *tracked) await(ctx context.Context, c *claim) error {
	return t.wait(ctx, t.more, c, func(bool) (bool, error) { return t.permits.tryAcquire() })
}

// identify forgets what is counted if this process has just made the semaphore:
// that was of one before. Nobody holds any of it yet, since who tracks opens the
// semaphore in the section.
func (t *tracked) identify() error {
	if t.fresh {
		for i := range t.slotTable.Entries() {
			t.slotTable.Entries()[i].State.And(^uint64(math.MaxUint32))
		}
	}
	t.fresh = false
	return nil
}

// discard leaves the object: one that is open can't be removed.
func (t *tracked) discard() error { return nil }
