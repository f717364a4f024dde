package ipcsync

import (
	"context"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// FileRange is a part of a file that can be locked by itself, from
// [FileLock.Range]. It is a value. Locks conflict where their ranges overlap,
// unless both are shared.
type FileRange struct {
	lock           *FileLock
	offset, length int64
}

// Lock locks the range exclusively; see [FileLock.Lock].
func (r FileRange) Lock(ctx context.Context) (Held, error) {
	return r.wait(ctx, nil, "lock", true)
}

// TryLock is Lock that doesn't wait; see [FileLock.TryLock].
func (r FileRange) TryLock() (Held, bool, error) { return r.try("try lock", true) }

// RLock locks the range together with others who share it; see [FileLock.RLock].
func (r FileRange) RLock(ctx context.Context) (Held, error) {
	return r.wait(ctx, nil, "rlock", false)
}

// TryRLock is RLock that doesn't wait; see [FileLock.TryRLock].
func (r FileRange) TryRLock() (Held, bool, error) { return r.try("try rlock", false) }

func (r FileRange) wait(ctx context.Context, c *claim, op string, exclusive bool) (Held, error) {
	h, err := r.lock.wait(ctx, c, r.of(exclusive))
	return h, failed(fileLockKind, op, r.lock.name, err)
}

func (r FileRange) try(op string, exclusive bool) (Held, bool, error) {
	h, ok, err := r.lock.acquire(nil, r.of(exclusive), nil)
	return h, ok, failed(fileLockKind, op, r.lock.name, err)
}

func (r FileRange) of(exclusive bool) sys.Range {
	return sys.Range{Offset: r.offset, Length: r.length, Exclusive: exclusive, Flock: r.lock.flock}
}
