package ipcsync

import (
	"context"

	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// await waits in the semaphore itself, whose waiters every release wakes.
func (t *tracked) await(ctx context.Context, c *robust.Claim) error {
	return t.permits.acquire(ctx, c)
}

// identify fails with errStale if the object belongs to an earlier semaphore of the
// same name, and then removes it. It is called in the object's section: of the
// processes that find the object stale, one after the other looks whether it still
// has its name, and so none removes what another one has made anew.
func (t *tracked) identify() error {
	removed, err := t.IsRemoved()
	if err != nil {
		return err
	}
	this := t.permits.(semaphoreFile).id
	if !removed && (t.head.semaphore.CompareAndSwap(0, this) || t.head.semaphore.Load() == this) {
		return nil
	}
	if !removed {
		err = t.RemoveName()
	}
	if err != nil {
		return err
	}
	return errStale
}

// discard removes the object if it belongs to no semaphore yet.
func (t *tracked) discard() error {
	removed, err := t.IsRemoved()
	if err != nil || removed || t.head.semaphore.Load() != 0 {
		return err
	}
	return t.RemoveName()
}
