package ipcsync

import (
	"fmt"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
)

// owner is a word in shared memory that says who has something, and has it even
// when he is dead. docs/models/mutex.pml is its argument for the model checker.
//
//	bits  0..31  the holder (slot + 1, generation); 0: nobody
//	bit  32      inherited: a holder died, and what he left was not marked
//	             consistent since. With nobody: it is not recoverable
//	bit  33      pending: the holder may not touch anything yet
//	bits 34..63  how often it was taken, modulo 2^30
//
// What is invariant:
//
//   - Only the process that has the holder's slot, in that generation, and who
//     finds him dead change a word that names him, and always by one
//     compare-and-swap of the whole word. The count makes every acquisition a
//     word of its own, so nobody can take away another one than he judged.
//   - Somebody is judged dead after the word was read: if his slot has no lock
//     then, or another generation, he can't come back. If a new process locked
//     the slot between, it counts the generation up before it touches the word.
type owner struct {
	word  *atomic.Uint64
	table *liveness.Table
	me    liveness.Holder

	// mends says that whoever takes the word from a dead one mends what that one
	// left, as often as it takes: it never becomes not recoverable.
	mends bool
}

const (
	holderBits = 1<<32 - 1
	pending    = 1 << 33
	once       = 1 << 34
)

var errNotRecoverable = fmt.Errorf("a process died holding it, and whoever had it next didn't mark it consistent; mend what it protects, then call Reset or `ipc reset` (%w)", breezeway.ErrNotRecoverable)

// taken is how an attempt to take a word went.
type taken int

const (
	busy     taken = iota
	fresh          // from nobody
	stolen         // from a dead one
	spoiled        // it has just become not recoverable, which others are to learn
	hopeless       // it is not recoverable
)

// take takes the word for this process, with flags, and returns the ticket. With
// check it asks the kernel whether the holder lives.
func (o *owner) take(flags uint64, check bool) (ticket uint64, how taken, err error) {
	for {
		w := o.word.Load()
		next := w&^(once-1) + once | flags | uint64(o.me)
		h := liveness.Holder(w & holderBits)
		switch {
		case h != liveness.Nobody:
			dead, err := o.isDead(h, check)
			switch {
			case err != nil || !dead:
				return 0, busy, err
			case w&pending != 0: // he changed nothing
				how, next = stolen, next|w&inherited
			case w&inherited != 0 && !o.mends:
				how, next = spoiled, w&^holderBits
			default:
				how, next = stolen, next|inherited
			}
		case w&inherited == 0:
			how = fresh
		case o.mends:
			how, next = stolen, next|inherited
		default:
			return 0, hopeless, nil
		}
		if o.word.CompareAndSwap(w, next) {
			killpoint.Here("owner taken")
			return next, how, nil
		}
	}
}

// isDead reports whether h, whom the word names, is known to be dead. With check
// it asks the kernel.
func (o *owner) isDead(h liveness.Holder, check bool) (bool, error) {
	if err := o.table.Check(h); err != nil {
		return false, err
	}
	if !check {
		return o.table.IsPast(h), nil
	}
	alive, err := o.table.Lives(h)
	return err == nil && !alive, err
}

// give gives up what the ticket stands for. It reports false if this process
// doesn't have that, and spoils if it was inherited and is not consistent.
func (o *owner) give(ticket uint64) (gave, spoils bool) {
	if o.word.CompareAndSwap(ticket, ticket&^(holderBits|pending)) {
		killpoint.Here("owner given")
		return true, ticket&inherited != 0
	}
	if ticket&inherited == 0 {
		return false, false
	}
	ticket &^= inherited // marked consistent since
	gave = o.word.CompareAndSwap(ticket, ticket&^(holderBits|pending))
	return gave, false
}

// withdraw gives up what the ticket stands for, or a dead one's word, which
// nobody has touched: what is inherited is the next one's to mend. It reports
// false if the word is another by now.
func (o *owner) withdraw(ticket uint64) bool {
	next := ticket &^ (holderBits | pending | inherited)
	if ticket&inherited != 0 {
		next |= uint64(liveness.Dead)
	}
	if !o.word.CompareAndSwap(ticket, next) {
		return false
	}
	killpoint.Here("owner withdrawn")
	return true
}

// has reports whether this process has what the ticket stands for.
func (o *owner) has(ticket uint64) bool { return o.word.Load()&^inherited == ticket&^inherited }

// mark takes the inherited bit away.
func (o *owner) mark(ticket uint64) bool {
	return o.word.CompareAndSwap(ticket, ticket&^inherited) || o.has(ticket)
}

// reset makes what is not recoverable new, and reports whether it was: also if
// nobody has found out yet, since the last one to inherit it is dead.
func (o *owner) reset() (bool, error) {
	w := o.word.Load()
	if w&inherited == 0 {
		return false, nil
	}
	if h := liveness.Holder(w & holderBits); h != liveness.Nobody {
		if dead, err := o.isDead(h, true); err != nil || !dead || w&pending != 0 {
			return false, err
		}
	}
	return o.word.CompareAndSwap(w, w&^(holderBits|inherited)), nil
}

// disown is for who takes a slot: what its word names the slot's past holder
// holds is a dead one's for good, however generations come round.
func (o *owner) disown(m *liveness.Member) bool {
	for {
		w := o.word.Load()
		h := liveness.Holder(w & holderBits)
		if !h.SharesSlot(m.Holder) || h == m.Holder {
			return false
		}
		if o.word.CompareAndSwap(w, w&^holderBits|uint64(liveness.Dead)) {
			return true
		}
	}
}
