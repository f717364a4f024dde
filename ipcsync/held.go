package ipcsync

import (
	"context"
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Held is the right to what a lock protects, from Lock to Unlock. It is a value:
// it may be copied and handed to another goroutine, and costs no allocation. Its
// methods may be called by several goroutines; of several Unlocks one succeeds.
type Held struct {
	by     holder
	ticket uint64 // of the lock; different for every acquisition
}

// holder is the part of a lock that a [Held] needs.
type holder interface {
	// Unlock gives up what the ticket stands for, or fails with
	// robust.ErrNotHeld and changes nothing.
	Unlock(ticket uint64) error
	// MarkConsistent does nothing for a ticket without the bit robust.Recovered.
	MarkConsistent(ticket uint64) error
}

var errNeverHeld = fmt.Errorf("the Held is the zero value, which holds nothing; use the one that Lock returned (%w)", os.ErrInvalid)

// Unlock gives the lock up. A second Unlock fails with [os.ErrInvalid] and changes
// nothing. After the lock was closed Unlock fails with [os.ErrClosed]. If the lock was
// removed while it was held, Unlock gives it up and returns [breezeway.ErrRemoved]: a
// process that has created the name anew may have held the new lock at the same time.
//
// Unlocking without MarkConsistent leaves the lock marked as recovered.
func (h Held) Unlock() error {
	if h.by == nil {
		return errNeverHeld
	}
	return h.by.Unlock(h.ticket)
}

// Recovered reports whether a process died holding the lock, and no later holder has
// called MarkConsistent. What the lock protects may then be half changed: repair it,
// call MarkConsistent, and go on. Recovered is true for every holder, readers of an
// [RWMutex] included, until a holder has called MarkConsistent. It doesn't change
// during the life of a Held.
func (h Held) Recovered() bool { return h.ticket&robust.Recovered != 0 }

// MarkConsistent says that what the lock protects is in order again: later holders
// are not Recovered. If this one is not Recovered, it does nothing. If the lock is held
// for reading, or is Recovered and no longer held, it fails with [os.ErrInvalid].
func (h Held) MarkConsistent() error {
	if h.by == nil {
		return errNeverHeld
	}
	return h.by.MarkConsistent(h.ticket)
}

// do calls f while h is held, marks it consistent if f returned nil, and unlocks,
// also when f panics or ends the goroutine.
func (h Held) do(f func(recovered bool) error) (err error) {
	defer func() {
		if unlocking := h.Unlock(); err == nil {
			err = unlocking
		}
	}()
	if err := f(h.Recovered()); err != nil {
		return err
	}
	return h.MarkConsistent()
}

// unopened is what a zero value is made of: every method fails.
type unopened struct{ kind Kind }

func (u unopened) fail(op string) error {
	return u.kind.fail(op, "", fmt.Errorf("the %s was never opened: use what ipcsync.Create%s, Open%[2]s or OpenOrCreate%[2]s returned (%[3]w)",
		kindTable[u.kind].what, kindTable[u.kind].function, os.ErrInvalid))
}

func (u unopened) Lock(context.Context, *robust.Claim) (uint64, error) {
	return 0, u.fail(breezeway.OpLock)
}
func (u unopened) TryLock() (uint64, bool, error) { return 0, false, u.fail(breezeway.OpLock) }
func (u unopened) Unlock(uint64) error            { return u.fail(breezeway.OpUnlock) }
func (u unopened) MarkConsistent(uint64) error    { return u.fail(breezeway.OpMarkConsistent) }
func (u unopened) Stats() (Stats, error)          { return Stats{}, u.fail(breezeway.OpStat) }
func (u unopened) Close() error                   { return u.fail(breezeway.OpClose) }
