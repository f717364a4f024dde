package wait

import (
	"sync/atomic"
	"time"
)

// waitEntry is what a [parker] parks on for one waiter: a word, or on Windows a
// kernel object.
type waitEntry struct {
	word  *Word         // nil for a kernel object
	old   uint32        // stay parked while the word has this value
	until time.Duration // and not longer than this, by sys.Clock
	woken bool          // a wake-up may have been spent on the entry

	//lint:ignore U1000 on Windows it has fields
	systemEntry

	// While a shared thread has the entry.
	cancelled bool          // the waiter wants it back; under threadPool.mu
	returned  chan struct{} // has an element when the shared thread has returned it
}

// changed reports whether the word is no longer old. If the word's memory has
// gone, that is reported as a change: the waiter tries next, and guards its own
// access. The goroutine that calls changed must have called debug.SetPanicOnFault.
func (e *waitEntry) changed() (yes bool) {
	if e.word == nil {
		return false
	}
	defer func() {
		if recover() != nil {
			yes = true
		}
	}()
	return atomic.LoadUint32(e.word.addr) != e.old
}
