package shm

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/mmap"
)

// latestHead is what the payload of a latest value begins with: a cache line that
// readers look at, and one that only the writer and waiters touch. The slots follow,
// each of whole cache lines.
//
// Version n of the value is in slot n % slotCount. The writer fills that slot
// while published is n-1, and then stores n there.
type latestHead struct {
	published atomic.Uint64 // version that was stored last; 0: none was
	_         [cacheLine - 8]byte
	writer    atomic.Uint64 // generation that has the right to write; 0: none
	count     atomic.Uint64 // generations there have been
	gate      uint32        // where waiters park: docs/formats.md
	_         [cacheLine - 20]byte
}

const (
	cacheLine = 64
	slotCount = 4
	headSize  = 2 * cacheLine

	gateParked = 1 // the bit of a gate that says that a waiter may be parked
)

// cell is where the payload is in a mapping.
type cell[T any] struct {
	head  *latestHead
	slots [slotCount]*T
}

func cellIn[T any](m *mmap.Mapping, start int) (c cell[T], err error) {
	if c.head, err = mmap.View[latestHead](m, start); err != nil {
		return c, err
	}
	for i := range c.slots {
		if c.slots[i], err = mmap.View[T](m, start+headSize+i*strideOf[T]()); err != nil {
			return c, err
		}
	}
	return c, nil
}

// strideOf returns the size of a slot: whole cache lines.
func strideOf[T any]() int {
	return (int(unsafe.Sizeof(*new(T))) + cacheLine - 1) / cacheLine * cacheLine
}

// read copies the latest value to v, and reports false if it never got a whole
// one.
//
// The order of memory. The writer stores version n in published (W1) and only
// then begins to fill the slot of version n+1 (W2); when that is filled it stores
// n+1 (W3). Version n's slot is filled again by version n+4, that is after
// published became n+3.
//
//   - A reader that loads n from published sees all of version n in its slot: W3
//     is a releasing store, the load acquires.
//   - If any byte of its copy is from version n+4, its second load of published
//     returns n+3 or more. For W1 is before W2, which the writer sees to (see
//     next); and the copy is before the second load: on amd64 loads happen in
//     their order, and elsewhere copyWords copies with acquiring loads, which no
//     later load overtakes.
//
// So a copy is whole if the second load returns at most n+2. The comparison is
// of unsigned numbers: whatever a hostile process stores there leads to another
// try, of which there is a limited number, and never to an index beyond the slots.
// docs/models/latest.pml is this argument for the model checker.
func (c *cell[T]) read(v *T) (version uint64, ok bool) {
	const tries = 10_000
	for range tries {
		n := c.head.published.Load()
		if n == 0 {
			setZero(v)
			return 0, true
		}
		if slot := c.slots[n%slotCount]; loadsInOrder {
			*v = *slot
		} else {
			copyWords(v, slot)
		}
		if c.head.published.Load()-n <= slotCount-2 {
			return n, true
		}
	}
	return 0, false
}

// loadsInOrder says that the processor performs loads in the order of the
// program, so that copying needs no care.
const loadsInOrder = runtime.GOARCH == "amd64"
