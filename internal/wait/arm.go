package wait

import (
	"sync/atomic"
	"time"
)

// arm is one word that a [sleeper] sleeps on, for one waiter.
type arm struct {
	word  *Word
	old   uint32        // sleep while the word is this
	until time.Duration // and not longer than this, by sys.Clock
	woken bool          // a wake-up may have been spent on it

	// In a group.
	leaving bool          // its waiter wants it back; under parking.mu
	done    chan struct{} // has an element when the group has let go of it
}

// changed reports whether there is something to look for. Where the memory has
// gone there is, for the waiter, who guards his looks against it; the goroutine
// that calls this must have asked for panics on faults.
func (a *arm) changed() (yes bool) {
	defer func() {
		if recover() != nil {
			yes = true
		}
	}()
	return atomic.LoadUint32(a.word.addr) != a.old
}
