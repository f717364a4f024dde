package shm

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/barrier"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/wait"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// LatestWriter is the right to store. One process has it at a time. Its methods
// are for one goroutine at a time, except Close. On a nil or zero LatestWriter they
// fail with [os.ErrInvalid].
type LatestWriter[T any] struct {
	l    *Latest[T]
	slot *liveness.Slot
	fast bool // stores need neither protection nor an exchange

	// A mapping of its own, which Close takes away before it gives the slot up:
	// a late Store reaches private memory, and never that of the next writer.
	m *mmap.Mapping
	cell[T]
	published *atomic.Uint64 // head's
	gate      *uint32        // head's

	generation uint64
	recovered  bool
	last       uint64 // version, this process's own record

	closed  atomic.Bool
	closing sync.Once
	err     error // of Close
}

const writerSlot = 0 // of package liveness

func (l *Latest[T]) tryWriter() (*LatestWriter[T], error) {
	if l.closed.Load() {
		return nil, os.ErrClosed
	}
	if l.o.ReadOnly() {
		return nil, fmt.Errorf("it was opened with %s (%w)", fail.Go("Config.ReadOnly"), os.ErrPermission)
	}
	if err := l.checkRemoved(); err != nil {
		return nil, err
	}
	slot, err := liveness.Take(l.o.File, writerSlot)
	if err != nil {
		return nil, err
	}
	if slot == nil {
		return nil, fmt.Errorf("it has a writer, which is alive (%w)", os.ErrExist)
	}
	w := &LatestWriter[T]{l: l, slot: slot}
	if err := w.begin(); err != nil {
		return nil, errors.Join(err, slot.Release())
	}
	return w, nil
}

// begin takes over from the writer before, dead or not.
func (w *LatestWriter[T]) begin() (err error) {
	if w.m, err = mmap.Map(w.l.o.File, &mmap.Config{Length: int64(w.l.o.Len())}); err != nil {
		return err
	}
	if err := w.takeOver(); err != nil {
		w.m.Close()
		return err
	}
	barrier.Register()
	return nil
}

func (w *LatestWriter[T]) takeOver() (err error) {
	if w.cell, err = cellIn[T](w.m, w.l.o.Start); err != nil {
		return err
	}
	return w.m.Borrow(func([]byte) error {
		w.generation = w.head.count.Add(1)
		w.recovered = w.head.writer.Swap(w.generation) != 0
		// A dead one may have left the next slot half filled, which is not read
		// before it is published: there is nothing to repair.
		w.published, w.gate = &w.head.published, &w.head.gate
		w.last = w.head.published.Load()
		return nil
	})
}

func (w *LatestWriter[T]) isZero() bool { return w == nil || w.l == nil }

var errNoWriter = fmt.Errorf("there is no writer; make it with TryWriter (%w)", os.ErrInvalid)

// Recovered reports whether the writer before this one died, rather than closed.
func (w *LatestWriter[T]) Recovered() bool { return w != nil && w.recovered }

// Store makes v the latest value. It takes as long as copying v, and never waits: only
// if processes are parked in [Latest.Wait] it makes a system call more, which wakes
// them. It fails with [os.ErrClosed] after Close of the writer or of the Latest.
func (w *LatestWriter[T]) Store(v T) error {
	if w == nil || !w.fast {
		return w.storeSlowly(v)
	}
	var parked bool
	if unsafe.Sizeof(v) <= cacheLine {
		parked = w.put(v)
	} else {
		*w.next() = v
		parked = w.publish()
	}
	if parked {
		w.l.gate.Wake(wait.All)
	}
	if w.closed.Load() { // then it may have been private memory
		return w.l.fail(breezeway.OpStore, os.ErrClosed)
	}
	return nil
}

// storeSlowly is Store where memory must be protected, and until the waiters' calls of
// [barrier.InAll] reach this process: until then it publishes by an exchange.
func (w *LatestWriter[T]) storeSlowly(v T) error {
	if w.isZero() {
		return KindLatest.fail(breezeway.OpStore, "", errNoWriter)
	}
	w.fast = w.l.direct && (!barrier.Needed || barrier.Reached())
	var parked bool
	err := w.m.Borrow(func([]byte) error {
		*w.next() = v
		killpoint.Here("latest filled")
		w.last++
		w.published.Store(w.last)
		killpoint.Here("latest published")
		parked = atomic.LoadUint32(w.gate)&gateParked != 0
		return nil
	})
	if err != nil || !parked {
		return err
	}
	// The gate is in another mapping, which needs a protection of its own. If the
	// Latest is closed meanwhile, Close wakes the waiters.
	return w.l.o.Borrow(func([]byte) error {
		w.l.gate.Wake(wait.All)
		return nil
	})
}

// put stores a small v as the next version, as next and publish do. It is written out,
// and makes a copy of v, since both spare the line of published: beside a reader that
// doesn't pause, Store takes 80 ns so and 120 ns without, for all that it takes 17 ns
// alone, and 15. The fewer stores to shared lines wait in the processor's store buffer,
// the less often readers take the line away in between.
func (w *LatestWriter[T]) put(v T) (parked bool) {
	next := w.last + 1
	storeBarrier(w.published)
	*w.slots[next%slotCount] = v
	killpoint.Here("latest filled")
	storeRelease(w.published, next)
	w.last = next
	killpoint.Here("latest published")
	return atomic.LoadUint32(w.gate)&gateParked != 0
}

// next returns the slot that the caller fills before publish. What was published last
// is stored before. (A function that takes the value would have a copy of it, which Go
// allocates if T is large.)
func (w *LatestWriter[T]) next() *T {
	storeBarrier(w.published)
	return w.slots[(w.last+1)%slotCount]
}

// publish publishes the slot that was filled, and reports whether waiters may be
// parked, which the caller must wake. Like next it touches nothing but the mapping m.
// See cell.read for what follows from the order: what was published last is stored
// before the slot is filled, and that before the slot is published.
//
// It only stores to lines that readers have taken, and loads nothing from them,
// so that it goes on while the processor gets them back: that is why published
// has a pointer of its own (a field's address costs a load, for the nil check), and why
// the gate is in the line that only the writer and waiters touch.
//
// No waiter is missed:
//
//	writer:  store published; load gate        waiter:  announce at gate; look; sleep
//
// If the load finds no announcement although there is one by then, it was performed
// before it. Then the waiter's look must find what was published. That holds if the
// store and the load are performed in this order. On amd64 the load may overtake the
// store in the store buffer, and a fence between them would take as long as getting the
// line of published back from the readers. So the waiter has the fence performed, by
// [barrier.InAll], between announcing and looking: what the writer's load has
// overtaken by then is published before the look, and a later load finds the
// announcement. As long as this process can't be reached by that, storeSlowly changes
// published by an exchange. docs/models/latestwait.pml is this argument for the model checker.
func (w *LatestWriter[T]) publish() (parked bool) {
	next := w.last + 1
	killpoint.Here("latest filled")
	storeRelease(w.published, next)
	w.last = next
	killpoint.Here("latest published")
	return atomic.LoadUint32(w.gate)&gateParked != 0
}

// Close gives up the right to store; what was stored stays. Closing again does
// nothing. It may be called while another goroutine is in Store, which then ends
// with [os.ErrClosed] or as if it had been earlier.
func (w *LatestWriter[T]) Close() error {
	if w.isZero() {
		return KindLatest.fail(breezeway.OpClose, "", errNoWriter)
	}
	w.closing.Do(func() {
		w.closed.Store(true)
		err := w.m.Close()
		// Through the mapping of l, which is closed later.
		gone := w.l.o.Borrow(func([]byte) error {
			w.l.head.writer.CompareAndSwap(w.generation, 0)
			w.l.gate.Wake(wait.All) // for a Store that looked at private memory
			return nil
		})
		w.err = w.l.fail(breezeway.OpClose, errors.Join(err, gone, w.slot.Release()))
	})
	return w.err
}
