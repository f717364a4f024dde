package ring

import (
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// What a receiver does nearly always, in as few calls as possible: a message is there, or
// comes at once, and the memory may be touched without protection. All else is in
// consumer.go.

// takeSoon takes the next message, if it is there within the looks that the waiter allows.
// It returns where the record before has ended, and where this one ends.
func (k *consumer) takeSoon() (from, to uint64, size int, ok bool) {
	pos := k.next
	p, want := k.at(pos), k.want|word(pos)<<highShift
	for looks := k.waiter.looks(); ; looks-- {
		w := word(atomic.LoadUint64(p))
		if w&k.wantBits != want {
			if looks > 0 {
				continue
			}
			return 0, 0, 0, false
		}
		to, size = pos+1, int(w.size())
		if k.variable {
			to = pos + cellsOf(size)
			if size > k.most || pos&k.mask+to-pos > k.mask+1 {
				return 0, 0, 0, false // receive says what is wrong
			}
		}
		from = k.last
		k.next, k.last, k.size = to, to, size
		k.storeTaken()
		killpoint.Here("ring taken")
		k.c.o.Acquired()
		return from, to, size, true
	}
}

// release gives back the records from one position to another.
func (k *consumer) release(from, to uint64) error {
	if k == nil || !k.fast || !k.quick || k.c.h.isStrict() || from != k.released || from == to || k.next != k.last {
		return k.releaseSlowly(from, to)
	}
	k.released = to
	k.c.o.Released()
	storeRelease(&k.line.cursor, to<<cursorShift)
	killpoint.Here("ring released")
	if wait.MayPark(atomic.LoadUint32(&k.c.h.room)) {
		k.c.wakeSenders()
	}
	if k.c.o.Closed() {
		return k.c.fail(breezeway.OpRelease, errNoSample)
	}
	return nil
}
