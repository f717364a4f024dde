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

// rwLock is what an [RWMutex] is made of. docs/models/rwmutex.pml checks it.
//
// The writer is the holder that the owner word names. First it is pending: it has
// the word, which keeps new readers out, and waits for the readers to leave. When
// no slot counts a reader any more it takes the pending bit away, and is alone.
//
// The readers are counted in the lower half of the State of their process's slot.
// A reader counts itself and then loads the word; a writer takes the word and then
// loads the counts. All of these are sequentially consistent, so that the two never
// both go on:
//
//	reader:  count; load word           writer:  take word; load counts
//
// If the reader's load finds the word free, it came before the writer took the word,
// and the writer's later load of the slot sees the count. Otherwise the reader sees
// the writer, and takes itself off the count.
//
// The reader that goes on has read the recovered bit in the same load. It is as of a
// moment at which no writer had the lock and this reader kept writers out, so no
// writer marks it before the reader leaves.
//
// A State is changed by compare-and-swap of the whole word, whose upper half is the
// generation, by two processes:
//
//   - The slot's own, as long as the generation is its own. So a goroutine that is
//     late after Close counts itself in no other process's slot, and takes no other
//     process's reader off.
//   - A writer that found the slot without a lock after it read the State. The
//     process of that generation is dead then, since it locked the slot before it
//     began the generation. If another process has taken the slot since, the swap
//     comes before its new generation, or fails.
//
// A process that begins a generation clears what the one before it counted. Until
// then a writer waits, since the slot is locked: a count is too high for a moment,
// and never too low. If the process dies before, it leaves a slot without a lock.
//
// Slots from head.used on were never taken. A process raises it before it counts its
// first reader, so that a writer that must see the count sees the slot too.
type rwLock struct {
	*robust.Object
	owner      robust.Owner
	head       *rwHead
	mayWrite   *wait.Gate // writers, for the word to be free
	mayRead    *wait.Gate // readers, for the word to be free
	drained    *wait.Gate // the pending writer, for the readers to leave
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
// a hint: after the death of a reader whose turn it was a writer waits until it next
// checks. While the reader lives, it ends the turn, and wakes a writer then:
//
//	turn         becomes      by
//	turnOpen     turnWanted   a reader that waits
//	turnWanted   turnReaders  a writer that unlocks, before it gives the word up
//	turnWanted   turnOpen     a reader that has waited and goes on, or gives up
//	turnReaders  turnOpen     a reader that unlocks, or gives up; a writer that checks,
//	                          or whose context is done
//
// The reader that wanted the turn is still there when a writer gives it: it takes its
// wish back before it goes on or gives up, and as long as it reads no writer unlocks.
const (
	turnOpen = iota
	turnWanted
	// turnReaders makes writers leave the free word to readers.
	turnReaders
)

var errOverwritten = fmt.Errorf("what this process wrote there was overwritten; remove it and create it anew (%w)", breezeway.ErrMismatch)

// countBits are the part of a State that counts readers.
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

// begin takes back what the slot's past holder held. See [liveness.Table.Join].
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

// buriedReader counts and logs that a reader died.
func (l *rwLock) buriedReader() {
	l.head.recoveries.Add(1)
	l.Log.Warn("a process that read under the lock died; no writer waits for it any more", slog.String("kind", l.Kind), slog.String("name", l.Name))
}

// wakeAll wakes all readers, and as many writers as given.
func (l *rwLock) wakeAll(writers int) {
	l.mayRead.Wake(wait.All)
	l.mayWrite.Wake(writers)
}

// giveWord gives the word up for a writer, and reports whether it had it.
//
// If it is the readers' turn, no writer is woken: the reader that ends the turn wakes
// one. The turn is loaded after the word was given up. So either the load finds the
// turn over, or the reader ends it later and wakes a writer that finds the word free.
// A reader may end a turn that has just begun, since it may give up, and since it may
// be late after its Unlock. What it woke has then found the word taken.
func (l *rwLock) giveWord(ticket uint64) bool {
	if !l.owner.Give(ticket) {
		return false
	}
	if l.head.turn.Load() == turnReaders {
		l.mayRead.Wake(wait.All)
	} else {
		l.wakeAll(1)
	}
	return true
}

// toldOnUnlock returns what an Unlock says if the lock was removed.
func (l *rwLock) toldOnUnlock() error {
	if l.owner.WasRemoved() {
		return robust.ErrUnlockedRemoved
	}
	return nil
}

// given returns the error of an operation of a holder, which held the lock or not.
func (l *rwLock) given(op string, gave bool, err error) error {
	if (err == nil || err == robust.ErrUnlockedRemoved) && (!gave || l.Closed()) {
		err = robust.ErrNotHeld
	}
	return l.Fail(op, err)
}

// tried returns the results of an attempt that doesn't wait.
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
