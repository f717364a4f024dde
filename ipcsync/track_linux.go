package ipcsync

import (
	"context"

	"github.com/breezeway-ipc/breezeway/internal/object"
)

// await waits in the semaphore itself, whose waiters everybody wakes.
func (t *tracked) await(ctx context.Context, c *claim) error { return t.permits.acquire(ctx, c) }

// identify finds out whether the object is of this semaphore or of one of the
// same name that was removed. Then it is removed too: in its section, and so by
// one who sees that it still has the name.
func (t *tracked) identify() error {
	removed, err := object.IsRemoved(t.file)
	if err != nil {
		return err
	}
	this := t.permits.(semaphoreFile).id
	if !removed && (t.head.semaphore.CompareAndSwap(0, this) || t.head.semaphore.Load() == this) {
		return nil
	}
	if !removed {
		err = object.Remove(t.file.Name())
	}
	if err != nil {
		return err
	}
	return errStale
}

// discard removes the object if there is no semaphore beside which it could be.
func (t *tracked) discard() error {
	removed, err := object.IsRemoved(t.file)
	if err != nil || removed || t.head.semaphore.Load() != 0 {
		return err
	}
	return object.Remove(t.file.Name())
}
