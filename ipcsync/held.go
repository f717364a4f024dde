package ipcsync

import (
	"fmt"
	"os"
)

// Held is the right to what a lock protects, from Lock to Unlock. It is a value:
// it may be copied and handed to another goroutine, and costs no allocation. Its
// methods may be called by several goroutines; of several Unlocks one succeeds.
type Held struct {
	by     holder
	ticket uint64 // by's own, different for every acquisition
}

// inherited is the bit of a ticket that says that the holder before died.
const inherited = 1 << 32

// holder is a lock as those see it who hold it.
type holder interface {
	// unlock gives up what the ticket stands for, or fails with errNotHeld and
	// changes nothing.
	unlock(ticket uint64) error
	// markConsistent is called for a ticket that is inherited.
	markConsistent(ticket uint64) error
}

var errNotHeld = fmt.Errorf("it is not held any more: it was unlocked before, or was taken away because this process had closed it (%w)", os.ErrInvalid)

var errNeverHeld = fmt.Errorf("the Held is the zero value, which holds nothing; use the one that Lock returned (%w)", os.ErrInvalid)

// Unlock gives the lock up. Unlocking twice fails with [os.ErrInvalid], and after
// the lock was closed with [os.ErrClosed], and changes nothing.
//
// Who unlocks without MarkConsistent what was Recovered says by that that the
// protected data is beyond repair: everybody who locks from then on gets
// [breezeway.ErrNotRecoverable].
func (h Held) Unlock() error {
	if h.by == nil {
		return errNeverHeld
	}
	return h.by.unlock(h.ticket)
}

// Recovered reports whether the process that held the lock before died holding
// it, so that what it protects may be half changed: repair that, call
// MarkConsistent, and go on.
func (h Held) Recovered() bool { return h.ticket&inherited != 0 }

// MarkConsistent says that what the lock protects is in order again. Where
// nothing was Recovered it does nothing. If it is no longer held it fails with
// [os.ErrInvalid].
func (h Held) MarkConsistent() error {
	if h.by == nil {
		return errNeverHeld
	}
	if !h.Recovered() {
		return nil
	}
	return h.by.markConsistent(h.ticket)
}
