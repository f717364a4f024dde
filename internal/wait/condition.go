package wait

import (
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/killpoint"
)

// condition is what a waiter waits for: one of the two is set.
type condition struct {
	gate func(check bool) (done bool, err error)        // see Gate.Wait
	word func(Phase) (old uint32, done bool, err error) // see Word.Wait
}

// try returns, besides the outcome, the value of the word at which to park.
func (w *Word) try(c condition, phase Phase) (old uint32, done bool, err error) {
	if c.word != nil {
		return c.word(phase)
	}
	if phase == Glance {
		done, err = c.gate(false)
		return 0, done, err
	}
	// The bit is set before the attempt, and old is what the word was with the
	// bit: see Gate.Wake.
	old = atomic.OrUint32(w.addr, parkedBit) | parkedBit
	killpoint.Here("gate announced")
	done, err = c.gate(phase == Check)
	return old, done, err
}
