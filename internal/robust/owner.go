package robust

import (
	"fmt"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
)

// Owner is a word in shared memory that names the holder of something, also after
// the holder died. docs/models/mutex.pml checks it.
//
//	bits  0..31  the holder (slot + 1, generation); 0: none
//	bit  32      recovered: a holder died, and no later one has marked what it
//	             left as consistent
//	bit  33      pending: the holder may not touch anything yet
//	bit  34      removed: the object has lost its name, or is about to
//	bits 35..63  how often it was taken, modulo 2^29
//
// The word as an acquisition stored it is that acquisition's ticket.
//
// # Invariants
//
//   - A word that names a living holder is changed only by the holder's process.
//     One that names a dead holder may be changed by any process. Every change is
//     one compare-and-swap of the whole word. There is one exception: any process
//     may set the removed bit, at any time, by an atomic "or".
//   - No operation clears the removed bit, and none takes a word that has it, from a
//     dead holder neither. So from that bit on there is at most one more holder, the
//     one that the word names, and none once it has given up. It keeps what it holds
//     until then.
//   - Every acquisition has a count of its own, so that a compare-and-swap succeeds
//     only on the acquisition that the process has read: a ticket is not given up
//     twice, and no process takes the word from a holder that it has not judged. The
//     count comes round after 2^29 acquisitions; a process would have to be stopped
//     for exactly so many between its load and its swap.
//   - A holder is judged after the word was loaded. It is dead if its slot has no
//     lock, or another generation. That is final: a process locks its slot before it
//     begins a generation, keeps the lock until it no longer uses the word, and a
//     later process in the slot begins another generation before it takes the word.
//   - Only Mark clears the recovered bit, and only the death of a holder that was
//     not pending sets it. So from that death on every acquisition has the bit in its
//     ticket, until a holder has marked what it found as consistent.
//
// # Order of memory
//
// Operations on the word are sequentially consistent. What a holder stored before it
// gave the word up, or before Mark, is seen by every process whose acquisition came
// later, since that is a compare-and-swap of a later value of the word. What a holder
// stored before it died is seen in the same way by a process that takes the word from
// it: the kernel releases the dead process's lock after its last store.
//
// # What races
//
// Several goroutines may use one ticket:
//
//   - Give against Mark: if Give is first, Mark finds another word and fails. If Mark
//     is first, Give finds the ticket without the bit, and succeeds.
//   - Mark against Mark: the second finds its work done, and succeeds.
//   - Give against Give: the second finds another word, and fails.
//   - Any of them against the removed bit: the compare-and-swap fails, and is made
//     again with the bit. That happens once, since the bit stays.
//
// None of these races with Take or Bury of another process, which change the word
// only if the holder is dead. It counts as dead only when its process can't change
// the word any more: it has died, or its Close has replaced the memory, before it
// gave up the slot.
type Owner struct {
	Word *atomic.Uint64

	slots *liveness.Table
	me    liveness.Holder
}

// The bits of the word.
const (
	HolderBits = 1<<32 - 1
	Recovered  = 1 << 32
	Pending    = 1 << 33
	Removed    = 1 << 34
	Once       = 1 << 35 // one acquisition
)

// ErrRemoved is returned for an object that was removed.
var ErrRemoved = fmt.Errorf("other processes don't find it any more; close it, and open or create it again (%w)", breezeway.ErrRemoved)

// Taken is the result of an attempt to take a word.
type Taken int

const (
	Busy   Taken = iota // not taken: it has a living holder
	Free                // taken: it had no holder, or one that died pending
	Stolen              // taken from a dead holder, which may have left something half done
)

// Init sets the word, and the slots of its holders.
func (o *Owner) Init(word *atomic.Uint64, slots *liveness.Table) { o.Word, o.slots = word, slots }

// Join sets which holder this process is, and reports whether the word named a past
// holder of the same slot. If so, Join replaces that by [liveness.Dead]. Every
// process in a slot does so, and therefore no word names a generation of the slot
// that comes round after 65,536 processes. It is called before this process takes the
// word, so that a word that names this very generation is a past holder's, too: in a file
// on a disk, after a power failure, the slots may be older than the word.
func (o *Owner) Join(m *liveness.Member) bool {
	o.me = m.Holder
	for {
		w := o.Word.Load()
		h := liveness.Holder(w & HolderBits)
		if !h.SharesSlot(o.me) {
			return false
		}
		if o.Word.CompareAndSwap(w, w&^HolderBits|uint64(liveness.Dead)) {
			return true
		}
	}
}

// TakeFree takes the word, with flags, if it has no holder and is not removed. It tries
// once, and makes no system call. One test of the word that it has loaded asks for both.
func (o *Owner) TakeFree(flags uint64) (ticket uint64, ok bool) {
	w := o.Word.Load()
	ticket = w + Once | flags | uint64(o.me)
	if w&(HolderBits|Removed) != 0 || !o.Word.CompareAndSwap(w, ticket) {
		return 0, false
	}
	killpoint.Here("owner taken")
	return ticket, true
}

// Take takes the word for this process, with flags, if it has no holder or a dead
// one. With check it asks the kernel whether the holder lives; without, it knows a
// dead holder only by its generation.
func (o *Owner) Take(flags uint64, check bool) (ticket uint64, how Taken, err error) {
	for {
		w := o.Word.Load()
		if w&Removed != 0 {
			return 0, Busy, ErrRemoved
		}
		next := w&^(Once-1) + Once | w&Recovered | flags | uint64(o.me)
		how = Free
		if h := liveness.Holder(w & HolderBits); h != liveness.None {
			dead, err := o.IsDead(h, check)
			if err != nil || !dead {
				return 0, Busy, err
			}
			if w&Pending == 0 {
				how, next = Stolen, next|Recovered
			}
		}
		if o.Word.CompareAndSwap(w, next) {
			killpoint.Here("owner taken")
			return next, how, nil
		}
	}
}

// IsDead reports whether h, which the word names, is known to be dead. With check it
// asks the kernel. The caller has loaded the word before, and changes it only by
// compare-and-swap of what it has loaded.
func (o *Owner) IsDead(h liveness.Holder, check bool) (bool, error) {
	if err := o.slots.Check(h); err != nil {
		return false, err
	}
	if !check {
		return o.slots.IsPast(h), nil
	}
	alive, err := o.slots.Lives(h)
	return err == nil && !alive, err
}

// Bury removes a dead holder from the word, for a process that doesn't take it. It
// reports false, and changes nothing, if the word is no longer w.
//
// Precondition: the holder that w names was found dead by IsDead, after w was loaded.
//
// It needs no new count. The swap succeeds on the acquisition that was judged, which
// can't return: its holder stays dead, and later acquisitions have later counts. A
// process that meanwhile has loaded the same w fails with its swap, and tries again.
// A process that loads the word after Bury finds no holder, and the recovered bit as
// if it had taken the word from the dead holder itself.
func (o *Owner) Bury(w uint64) bool {
	next := w &^ (HolderBits | Pending)
	if w&Pending == 0 {
		next |= Recovered
	}
	if !o.Word.CompareAndSwap(w, next) {
		return false
	}
	killpoint.Here("owner buried")
	return true
}

// Give gives up what the ticket stands for. It reports false, and changes nothing, if
// this process doesn't hold that any more.
func (o *Owner) Give(ticket uint64) bool {
	if !o.change(ticket, HolderBits|Pending, 0) {
		return false
	}
	killpoint.Here("owner given")
	return true
}

// Abandon gives up what the ticket stands for as a death does: the next holder is
// told. It reports false if this process doesn't have that.
func (o *Owner) Abandon(ticket uint64) bool { return o.change(ticket, HolderBits|Pending, Recovered) }

// Settle clears the pending bit, and returns the new ticket.
func (o *Owner) Settle(ticket uint64) (uint64, bool) {
	return ticket &^ Pending, o.change(ticket, Pending, 0)
}

// Has reports whether this process holds what the ticket stands for.
func (o *Owner) Has(ticket uint64) bool { return names(o.Word.Load(), ticket) }

// Mark clears the recovered bit, and reports whether this process holds what the
// ticket stands for. It may be repeated.
func (o *Owner) Mark(ticket uint64) bool { return o.change(ticket, Recovered, 0) }

// WasRemoved reports whether the object was removed. After another operation on the word
// it may report what has happened since.
func (o *Owner) WasRemoved() bool { return o.Word.Load()&Removed != 0 }

// change clears bits of the word and sets others, if it still is the ticket. It reports
// false otherwise.
func (o *Owner) change(ticket, clear, set uint64) bool {
	for {
		w := o.Word.Load()
		if !names(w, ticket) {
			return false
		}
		if o.Word.CompareAndSwap(w, w&^clear|set) {
			return true
		}
	}
}

// names reports whether the word w is the ticket, perhaps marked as consistent or
// removed since.
func names(w, ticket uint64) bool { return (w^ticket)&^(Recovered|Removed) == 0 }

// swap clears bits of the word, if it is the ticket. It tries once.
func (o *Owner) swap(ticket, bits uint64) bool { return o.Word.CompareAndSwap(ticket, ticket&^bits) }

// Holder reports whether the word w names a holder, and returns the holder's process
// id, 0 if it is dead. The id is for information only.
func (o *Owner) Holder(w uint64) (pid int, held bool, err error) {
	h := liveness.Holder(w & HolderBits)
	if h == liveness.None {
		return 0, false, nil
	}
	if err := o.slots.Check(h); err != nil {
		return 0, false, err
	}
	alive, err := o.slots.Lives(h)
	if err != nil || !alive {
		return 0, err == nil, err
	}
	return o.slots.PID(h), true, nil
}
