package ipcsync

import (
	"context"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/robust"
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
func (r FileRange) Lock(ctx context.Context) (Held, error) { return r.wait(ctx, nil, true) }

// TryLock is Lock that doesn't wait; see [FileLock.TryLock].
func (r FileRange) TryLock() (Held, bool, error) { return r.try(true) }

// RLock locks the range together with others that share it; see [FileLock.RLock].
func (r FileRange) RLock(ctx context.Context) (Held, error) { return r.wait(ctx, nil, false) }

// TryRLock is RLock that doesn't wait; see [FileLock.TryRLock].
func (r FileRange) TryRLock() (Held, bool, error) { return r.try(false) }

func (r FileRange) wait(ctx context.Context, c *robust.Claim, exclusive bool) (Held, error) {
	if r.lock == nil || r.lock.file == nil {
		return Held{}, errNoFileLock(lockOp(exclusive))
	}
	h, err := r.lock.wait(ctx, c, r.of(exclusive))
	return h, fileLockKind.fail(lockOp(exclusive), r.lock.name, err)
}

func (r FileRange) try(exclusive bool) (Held, bool, error) {
	if r.lock == nil || r.lock.file == nil {
		return Held{}, false, errNoFileLock(lockOp(exclusive))
	}
	h, ok, err := r.lock.acquire(nil, r.of(exclusive), nil)
	return h, ok, fileLockKind.fail(lockOp(exclusive), r.lock.name, err)
}

func lockOp(exclusive bool) string {
	if exclusive {
		return breezeway.OpLock
	}
	return breezeway.OpRLock
}

// lockableEnd is where ranges end: the bytes from there on stand for the slots of
// objects in the file, and are locked while a process has one open.
const lockableEnd = liveness.FirstByte

func (r FileRange) of(exclusive bool) sys.Range {
	of := sys.Range{Offset: r.offset, Length: r.length, Exclusive: exclusive, Flock: r.lock.flock}
	if of.Length == 0 && sys.HasRangeLocks && !of.Flock {
		of.Length = max(0, lockableEnd-of.Offset)
	}
	return of
}
