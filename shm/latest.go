package shm

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// Latest is a single value of type T that one process replaces again and again,
// while any number of processes read what was stored last. The writer never
// waits, for readers or anybody; readers never see a value of which a part is
// older than the rest. If the writer dies, in the middle of a Store even, readers
// keep the last complete value and another process takes over.
//
// T is what mmap.CheckType admits. Four copies of it are kept.
type Latest[T any] struct {
	o *ours
	cell[T]
	direct bool // access needs no protection

	mu      sync.Mutex // of writer
	writer  *LatestWriter[T]
	closed  atomic.Bool
	closing sync.Once
	err     error // of Close
}

// The payload of a latest value: a cache line for what readers look at, one for
// the writer's own, and the slots, each of whole cache lines.
//
// Version n of the value is in slot n % slotCount. The writer fills that slot
// while published is n-1, and then stores n there.
type latestHead struct {
	published atomic.Uint64 // version that was stored last; 0: none was
	_         [cacheLine - 8]byte
	writer    atomic.Uint64 // generation that has the right to write; 0: none
	count     atomic.Uint64 // generations there have been
	_         [cacheLine - 16]byte
}

// cell is where the payload is in a mapping.
type cell[T any] struct {
	head  *latestHead
	slots [slotCount]*T
}

func cellIn[T any](m *mmap.Mapping, start int) (c cell[T], err error) {
	c.head, err = mmap.View[latestHead](m, start)
	for i := range c.slots {
		if err == nil {
			c.slots[i], err = mmap.View[T](m, start+headSize+i*strideOf[T]())
		}
	}
	return c, err
}

// strideOf returns the size of a slot: whole cache lines.
func strideOf[T any]() int {
	return (int(unsafe.Sizeof(*new(T))) + cacheLine - 1) / cacheLine * cacheLine
}

const (
	latestKind    = "latest"
	latestVersion = 1

	cacheLine = 64
	slotCount = 4
	headSize  = 2 * cacheLine

	writerSlot = 0 // of package liveness
)

// OpenOrCreateLatest opens the latest value name, or makes it; nothing is stored
// in it then. It fails as [OpenOrCreateStruct] does. With Config.ReadOnly it makes
// none, and this process can only Load.
//
// The value is the object bw.latest.NAME (docs/formats.md) and stays until
// [RemoveLatest].
func OpenOrCreateLatest[T any](name string, cfg *Config) (*Latest[T], error) {
	l, err := openLatest[T](name, cfg)
	if err != nil {
		return nil, failed("open latest", name, err)
	}
	return l, nil
}

func openLatest[T any](name string, cfg *Config) (*Latest[T], error) {
	h, err := headerOf(latestKind, latestVersion, reflect.TypeFor[T](), headSize+slotCount*int64(strideOf[T]()))
	if err != nil {
		return nil, err
	}
	o, err := openOurs(name, h, cfg)
	if err != nil {
		return nil, err
	}
	l := &Latest[T]{o: o, direct: runtime.GOOS != "windows" && o.Trusted}
	if l.cell, err = cellIn[T](o.Mapping, o.Start); err != nil {
		o.Close()
		return nil, err
	}
	return l, nil
}

// RemoveLatest removes the latest value name. Processes that have opened it keep
// it. On Windows it fails with [os.ErrPermission] while a process has it open.
func RemoveLatest(name string, cfg *Config) error {
	return removed("remove latest", latestKind, name, cfg)
}

// Load returns the value that was stored last, and which one it is: the first has
// version 1, and each Store adds 1. Before the first Store the version is 0 and
// the value zero.
//
// Load may be called by many goroutines. It never waits; if the writer is so much
// faster that it overtakes Load thousands of times in a row, Load gives up with
// an error. After Close it fails with [os.ErrClosed].
func (l *Latest[T]) Load() (v T, version uint64, err error) {
	if l.direct {
		// What read does, tried once.
		n := l.head.published.Load()
		if slot := l.slots[n%slotCount]; loadsInOrder {
			v = *slot
		} else {
			copyWords(&v, slot)
		}
		if l.head.published.Load()-n <= slotCount-2 && n > 0 && !l.closed.Load() {
			return v, n, nil
		}
	}
	return l.loadSlowly()
}

var errOvertaken = errors.New("the value was replaced too fast to be copied, thousands of times in a row; is its writer one of ours?")

// loadSlowly is Load where there is no value yet, the writer is fast, or the
// memory might go away.
func (l *Latest[T]) loadSlowly() (v T, version uint64, err error) {
	err = l.o.Borrow(func([]byte) error {
		var ok bool
		if version, ok = l.read(&v); !ok {
			return l.fail("load", errOvertaken)
		}
		return nil
	})
	if err != nil {
		return *new(T), 0, err
	}
	return v, version, nil
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
//     store); and the copy is before the second load: on amd64 loads happen in
//     their order, and elsewhere copyWords copies with acquiring loads, which no
//     later load overtakes.
//
// So a copy is whole if the second load returns at most n+2. The comparison is
// of unsigned numbers: whatever a hostile process stores there leads to another
// try, of which there are so many, and never to an index beyond the slots.
// docs/models/latest.pml is this argument for the model checker.
func (c *cell[T]) read(v *T) (version uint64, ok bool) {
	const tries = 10_000
	for range tries {
		n := c.head.published.Load()
		if n == 0 {
			*v = *new(T)
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

// LatestWriter is the right to store. One process has it at a time. Its methods
// are for one goroutine at a time, except Close.
type LatestWriter[T any] struct {
	l    *Latest[T]
	slot *liveness.Slot

	// A mapping of its own, which Close takes away before it gives the slot up:
	// a Store that is late meets private memory, and never the next writer's.
	m *mmap.Mapping
	cell[T]
	published *atomic.Uint64 // head's

	generation uint64
	recovered  bool
	last       uint64 // version, this process's own record

	closed  atomic.Bool
	closing sync.Once
	err     error // of Close
}

// TryWriter makes this process the writer. If another process is, or this one is
// already, it fails at once with [os.ErrExist], and if the value was removed, with
// [breezeway.ErrRemoved]. A writer that died is replaced: from the moment that the
// kernel has released its descriptors.
func (l *Latest[T]) TryWriter() (*LatestWriter[T], error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w, err := l.tryWriter()
	if err != nil {
		return nil, l.fail("write", err)
	}
	l.writer = w
	return w, nil
}

func (l *Latest[T]) tryWriter() (*LatestWriter[T], error) {
	if l.closed.Load() {
		return nil, os.ErrClosed
	}
	if l.o.ReadOnly() {
		return nil, fmt.Errorf("it was opened with Config.ReadOnly (%w)", os.ErrPermission)
	}
	if gone, err := object.IsRemoved(l.o.File); err != nil || gone {
		if err == nil {
			err = fmt.Errorf("others don't find it any more; close it and open it again (%w)", breezeway.ErrRemoved)
		}
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
	w.cell, err = cellIn[T](w.m, w.l.o.Start)
	if err == nil {
		err = w.m.Borrow(func([]byte) error {
			w.generation = w.head.count.Add(1)
			w.recovered = w.head.writer.Swap(w.generation) != 0
			// What a dead one may have left half filled is the next slot, which
			// nobody reads before it is published: there is nothing to repair.
			w.published = &w.head.published
			w.last = w.head.published.Load()
			return nil
		})
	}
	if err != nil {
		w.m.Close()
	}
	return err
}

// Recovered reports whether the writer before this one died, rather than closed.
func (w *LatestWriter[T]) Recovered() bool { return w.recovered }

// Store makes v the latest value. It takes as long as copying v, and waits for
// nobody. It fails with [os.ErrClosed] after Close of the writer or of the Latest.
func (w *LatestWriter[T]) Store(v T) error {
	if !w.l.direct {
		return w.m.Borrow(func([]byte) error {
			w.store(v)
			return nil
		})
	}
	w.store(v)
	if w.closed.Load() { // then it may have been private memory
		return w.l.fail("store", os.ErrClosed)
	}
	return nil
}

// store fills the next slot and publishes it. See read for what follows from its
// order: what was published last is stored before the slot is filled, and that
// before the slot is published.
//
// It only stores to lines that readers have taken, and loads nothing from them,
// so that it goes on while the processor gets them back: that is why published
// has a pointer of its own (a field's address costs a load, for the nil check).
func (w *LatestWriter[T]) store(v T) {
	next := w.last + 1
	storeBarrier(w.published)
	*w.slots[next%slotCount] = v
	killpoint.Here("latest filled")
	storeRelease(w.published, next)
	w.last = next
}

// Close gives up the right to store; what was stored stays. Closing again does
// nothing. It may be called while another goroutine is in Store, which then ends
// with [os.ErrClosed] or as if it had been earlier.
func (w *LatestWriter[T]) Close() error {
	w.closing.Do(func() {
		w.closed.Store(true)
		err := w.m.Close()
		// Through the mapping of l, which is closed later.
		gone := w.l.o.Borrow(func([]byte) error {
			w.l.head.writer.CompareAndSwap(w.generation, 0)
			return nil
		})
		if err = errors.Join(err, gone, w.slot.Release()); err != nil {
			w.err = w.l.fail("close", err)
		}
	})
	return w.err
}

func (l *Latest[T]) fail(op string, err error) error { return failed(op, l.o.name, err) }

// Close ends this process's use of the value, its writer included. What was
// stored stays. Closing again does nothing.
func (l *Latest[T]) Close() error {
	l.closing.Do(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		var err error
		if l.writer != nil {
			err = l.writer.Close()
		}
		l.closed.Store(true)
		if err = errors.Join(err, l.o.Close()); err != nil {
			l.err = l.fail("close", err)
		}
	})
	return l.err
}
