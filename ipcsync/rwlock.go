package ipcsync

import (
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// rwLock is what an [RWMutex] stands on. docs/models/rwmutex.pml is its argument
// for the model checker.
//
// The writer is the holder that the owner word names. First it is pending: it has
// the word, which keeps new readers out, and waits for the readers to leave. When
// no slot counts a reader any more it takes the pending bit away, and is alone.
//
// The readers are counted in the lower half of the State of their process's slot.
// A reader counts itself and then loads the word; a writer takes the word and then
// loads the counts. All of it is sequentially consistent: if the reader's load
// found the word free, it came before the writer took it, so that the writer's
// later load of the slot sees the count. Otherwise the reader sees the writer, and
// takes itself off the count. So never do both go on:
//
//	reader:  count; load word           writer:  take word; load counts
//
// A State is changed by compare-and-swap of the whole, whose upper half is the
// generation. The slot's own process changes it as long as the generation is its
// own: a goroutine that is late after Close counts itself in no other process's
// slot, and takes no other reader off. A writer changes it that found the slot
// without a lock after it read the State: then the process that had that
// generation is dead, since it locked the slot before it began the generation. If
// meanwhile another process took the slot, either it is about to begin the next
// generation, which makes the swap fail, or has begun it, and the writer has read
// that one. A process that begins a generation clears what the one before it
// counted, and until it has done so a writer waits, since the slot is locked: a
// count too many for a moment, and never one too few. If it dies before that, it
// leaves a slot without a lock.
//
// Slots from head.used on were never taken. It is raised before the slot's process
// counts its first reader, so that a writer that is to see the count sees that too.
type rwLock struct {
	*robust.Object
	owner      robust.Owner
	head       *rwHead
	mayWrite   *wait.Gate // for the word to be free
	mayRead    *wait.Gate // for no writer to be there
	drained    *wait.Gate // for no reader to be there: the pending writer
	generation uint32     // of this process, in its slot
	tickets    tickets
}

type rwHead struct {
	word                       atomic.Uint64 // see robust.Owner
	mayWrite, mayRead, drained uint32        // gates
	turn                       atomic.Uint32
	used                       atomic.Uint32 // slots
	_                          uint32
	recoveries                 atomic.Int64
}

// The turn keeps writers that come one after the other from starving readers. It is
// a hint: what a reader wanted that died delays one writer, until it next looks for
// itself. A living reader clears what it wanted, so that no writer waits for
// nothing.
const (
	turnOpen = iota
	// turnWanted is set by a reader that waits.
	turnWanted
	// turnReaders is made of it by a writer that unlocks. To writers the lock is
	// taken then until a reader has come and left again.
	turnReaders
)

var errOverwritten = fmt.Errorf("what this process wrote there was overwritten; remove it and create it anew (%w)", breezeway.ErrMismatch)

// countBits of a State are how many read.
const countBits = 1<<32 - 1

// init finds the lock in o.
func (l *rwLock) init(o *robust.Object) (err error) {
	l.Object = o
	if l.head, err = robust.Head[rwHead](o); err != nil {
		return err
	}
	l.owner.Init(&l.head.word, o.Slots)
	for _, g := range []struct {
		gate **wait.Gate
		word *uint32
	}{{&l.mayWrite, &l.head.mayWrite}, {&l.mayRead, &l.head.mayRead}, {&l.drained, &l.head.drained}} {
		if *g.gate, err = o.Gate(g.word); err != nil {
			return err
		}
	}
	return o.Join(l.begin)
}

// begin makes the slot ours, and takes back what its past holder held.
func (l *rwLock) begin(me *liveness.Member) error {
	for {
		used, ours := l.head.used.Load(), uint32(me.Holder.Slot()+1)
		if used >= ours || l.head.used.CompareAndSwap(used, ours) {
			break
		}
	}
	old := me.Entry.State.And(^uint64(countBits))
	l.generation = liveness.Generation(old)
	if old&countBits != 0 {
		killpoint.Here("rwmutex slot cleared")
		l.buriedReader()
		l.drained.Wake(1)
	}
	if l.owner.Join(me) {
		l.wakeAll(1)
	}
	return nil
}

// buriedReader tells that a reader has died.
func (l *rwLock) buriedReader() {
	l.head.recoveries.Add(1)
	l.Log.Warn("a process that read under the lock died; no writer waits for it any more", slog.String("kind", l.Kind), slog.String("name", l.Name))
}

// wakeAll wakes all readers, and as many writers.
func (l *rwLock) wakeAll(writers int) {
	l.mayRead.Wake(wait.All)
	l.mayWrite.Wake(writers)
}

// giveBack gives back a word that was taken and used for nothing.
func (l *rwLock) giveBack(ticket uint64) {
	if l.owner.Give(ticket) {
		l.wakeAll(1)
	}
}

// given is how giving something up ends.
func (l *rwLock) given(op string, gave bool, err error) error {
	if err == nil && (!gave || l.Closed()) {
		err = robust.ErrNotHeld
	}
	return l.Fail(op, err)
}

// tried is how an attempt that doesn't wait ends.
func (l *rwLock) tried(op string, h Held, ok bool, err error) (Held, bool, error) {
	if err == nil && !ok && l.Closed() {
		err = os.ErrClosed
	}
	if err != nil || !ok {
		return Held{}, false, l.Fail(op, err)
	}
	return h, true, nil
}

func (l *rwLock) Stats() (st Stats, err error) {
	err = l.Use(func() (err error) {
		st, err = lockStats(l.Object, &l.owner, l.head.recoveries.Load())
		if err != nil {
			return err
		}
		if l.head.word.Load()&robust.Pending != 0 {
			st.Holders, st.PIDs = 0, nil // it waits, and is counted there
		}
		reads := func(e *liveness.Entry) bool { return e.State.Load()&countBits != 0 }
		return l.EachLiving(reads, func(e *liveness.Entry) {
			st.Value = 0
			st.Holders += int(e.State.Load() & countBits)
			st.PIDs = append(st.PIDs, int(e.PID.Load()))
		})
	})
	if err != nil {
		return Stats{}, l.Fail(breezeway.OpStat, err)
	}
	return st, nil
}
