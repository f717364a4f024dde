package robust

import (
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
)

// Owner is a word in shared memory that names the holder of something, and goes on
// naming it when it has died. docs/models/mutex.pml is its argument for the model
// checker.
//
//	bits  0..31  the holder (slot + 1, generation); 0: none
//	bit  32      recovered: a holder died, and no later one has marked what it
//	             left as consistent
//	bit  33      pending: the holder may not touch anything yet
//	bits 34..63  how often it was taken, modulo 2^30
//
// What is invariant:
//
//   - A word that names a holder is changed only by the process that has the
//     holder's slot in that generation, and by processes that found the holder
//     dead, always by one compare-and-swap of the whole word. The count makes
//     every acquisition a word of its own, so that no process takes away another
//     acquisition than the one that it judged.
//   - A holder is judged dead after the word was read: if its slot has no lock
//     then, or another generation, it can't come back. If a new process locked
//     the slot between, it begins a new generation before it touches the word.
//   - Only Mark takes the recovered bit away. So from the death of a holder on,
//     every holder is told, until one has marked what it found as consistent.
//
// The word as an acquisition left it is that acquisition's ticket.
type Owner struct {
	Word *atomic.Uint64

	slots *liveness.Table
	me    liveness.Holder
}

const (
	HolderBits = 1<<32 - 1
	Recovered  = 1 << 32
	Pending    = 1 << 33
	Once       = 1 << 34
)

// Taken is how an attempt to take a word went.
type Taken int

const (
	Busy   Taken = iota // another process holds it
	Free                // it was taken; there was no holder
	Stolen              // it was taken from a dead holder that may have left something half done
)

// Init says where the word is, and which slots its holders have.
func (o *Owner) Init(word *atomic.Uint64, slots *liveness.Table) { o.Word, o.slots = word, slots }

// Join says which holder this process is. It disowns the slot's past holder: what
// the word says that it holds is a dead process's for good, however generations
// come round. Join reports whether the word named it.
func (o *Owner) Join(m *liveness.Member) bool {
	o.me = m.Holder
	for {
		w := o.Word.Load()
		h := liveness.Holder(w & HolderBits)
		if !h.SharesSlot(o.me) || h == o.me {
			return false
		}
		if o.Word.CompareAndSwap(w, w&^HolderBits|uint64(liveness.Dead)) {
			return true
		}
	}
}

// TakeFree takes the word, with flags, if it has no holder, and doesn't retry.
func (o *Owner) TakeFree(flags uint64) (ticket uint64, ok bool) {
	w := o.Word.Load()
	ticket = w + Once | flags | uint64(o.me)
	if w&HolderBits != 0 || !o.Word.CompareAndSwap(w, ticket) {
		return 0, false
	}
	killpoint.Here("owner taken")
	return ticket, true
}

// Take takes the word for this process, with flags, if it has no holder or a dead
// one. With check it asks the kernel whether the holder lives.
func (o *Owner) Take(flags uint64, check bool) (ticket uint64, how Taken, err error) {
	for {
		w := o.Word.Load()
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

// IsDead reports whether h, which the word names, is known to be dead. With check
// it asks the kernel.
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

// Bury takes the word away from a dead holder, without taking it: w is the word that
// names it. It reports false if the word is another by now.
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

// Give gives up what the ticket stands for, or reports false if this process
// doesn't have that.
func (o *Owner) Give(ticket uint64) bool {
	if o.swap(ticket, HolderBits|Pending) {
		killpoint.Here("owner given")
		return true
	}
	// Marked as consistent since.
	return ticket&Recovered != 0 && o.swap(ticket&^Recovered, HolderBits|Pending)
}

// Abandon gives up what the ticket stands for as a death does: the next holder is
// told. It reports false if this process doesn't have that.
func (o *Owner) Abandon(ticket uint64) bool {
	for _, w := range [...]uint64{ticket, ticket &^ Recovered} {
		if o.Word.CompareAndSwap(w, w&^(HolderBits|Pending)|Recovered) {
			return true
		}
	}
	return false
}

// Settle makes a pending holder the holder, and returns its new ticket.
func (o *Owner) Settle(ticket uint64) (uint64, bool) {
	return ticket &^ Pending, o.swap(ticket, Pending)
}

// Has reports whether this process has what the ticket stands for.
func (o *Owner) Has(ticket uint64) bool { return o.Word.Load()&^Recovered == ticket&^Recovered }

// Mark takes the recovered bit away. It reports false if this process doesn't have
// what the ticket stands for.
func (o *Owner) Mark(ticket uint64) bool { return o.swap(ticket, Recovered) || o.Has(ticket) }

// swap clears bits of the word that the ticket is.
func (o *Owner) swap(ticket, bits uint64) bool { return o.Word.CompareAndSwap(ticket, ticket&^bits) }

// Holder returns whether the word w names a holder, and the holder's process id,
// for people to read, 0 if it is dead.
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
