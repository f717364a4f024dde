package robust

import (
	"context"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// Mutex is a lock in an object's head.
type Mutex struct {
	*Object
	Owner

	head *MutexHead
	free *wait.Gate // waiters for the mutex

	// Inherited is called, if it isn't nil, after the mutex was taken from a dead
	// holder that was not pending.
	Inherited func()

	// OutlivesName says that waits for the mutex go on when the object has lost its name.
	// Without it, or on a word that Remove has marked, they fail with ErrRemoved.
	OutlivesName bool
}

// MutexHead is the part of the head that a Mutex has. Remove marks the first word of the
// head: where that is not a Mutex's, the Mutex is not ended by it.
type MutexHead struct {
	word       atomic.Uint64 // see Owner
	free       uint32        // gate
	_          uint32
	Recoveries atomic.Int64
}

// Init finds the mutex in the first words of o's head.
func (m *Mutex) Init(o *Object) error {
	head, err := Head[MutexHead](o)
	if err != nil {
		return err
	}
	return m.InitAt(o, head)
}

// InitAt is Init for a mutex elsewhere in o's head.
func (m *Mutex) InitAt(o *Object, head *MutexHead) (err error) {
	m.Object, m.head = o, head
	m.Owner.Init(&m.head.word, o.Slots)
	m.free, err = o.Gate(&m.head.free)
	return err
}

// Join takes a slot. If the slot's past holder held the mutex, Join wakes a waiter,
// which takes it from there. recover, if it isn't nil, takes back what else the past
// holder held.
func (m *Mutex) Join(recover func() error) error {
	return m.Object.Join(func(member *liveness.Member) error {
		m.JoinAs(member)
		if recover == nil {
			return nil
		}
		return recover()
	})
}

// JoinAs is what Join does for the mutex, for an object with several: its own Join calls
// it for each.
func (m *Mutex) JoinAs(member *liveness.Member) {
	m.Me = member
	if m.Owner.Join(member) {
		m.free.Wake(1)
	}
}

// Recoveries is a word in the head that counts how often something was taken from a
// dead holder. A Section leaves the counting to its object.
func (m *Mutex) Recoveries() *atomic.Int64 { return &m.head.Recoveries }

// LockFree takes the mutex if it has no holder and its memory needs no protection.
// It reports false also if the holder is dead, or the mutex closed or removed: Lock
// finds out.
// (It could take the mutex from a dead holder just as safely. It leaves that to Lock
// since judging a holder may take a system call.)
//
// It may run while Close replaces the memory by zeros, as the package's overview
// says. The swap is then made in one of the two:
//
//   - If Closed reports false after it, it was made in shared memory, by a holder
//     whose slot is still taken. If Close follows, it is as if the holder had died.
//   - If Closed reports true, LockFree gives back what it took, and fails. The ticket
//     is in the word only if both swaps met the same memory. If the first met the
//     shared memory and the second the zeros, the second fails, and the shared word
//     goes on naming this process's slot, which Close gives up after that: other
//     processes find its holder dead, and the recovered bit that they set says more
//     than happened, never less.
//
// No caller gets a ticket that was taken in the zeros.
func (m *Mutex) LockFree() (ticket uint64, ok bool) {
	if !m.Direct {
		return 0, false
	}
	if ticket, ok = m.TakeFree(0); !ok {
		return 0, false
	}
	if m.Closed() {
		m.lockedLate(ticket)
		return 0, false
	}
	m.Acquired()
	return ticket, true
}

// Lock waits until the mutex is free, or its holder dead, and takes it. The ticket
// has the bit Recovered if a holder died, and no later one has marked as consistent
// what it left. Lock fails with ErrRemoved if the mutex was removed, whether or not it
// has a holder.
func (m *Mutex) Lock(ctx context.Context, c *Claim) (uint64, error) {
	if c == nil {
		if ticket, ok := m.LockFree(); ok {
			return ticket, nil
		}
	}
	return m.LockSlowly(ctx, c)
}

// LockSlowly is Lock after LockFree. It is a function of its own since the variables
// that its closure changes are on the heap: Lock allocates nothing.
func (m *Mutex) LockSlowly(ctx context.Context, c *Claim) (ticket uint64, err error) {
	var how Taken
	err = m.wait(ctx, m.free, c, !m.OutlivesName, func(check bool) (ok bool, err error) {
		ticket, how, err = m.take(check)
		return how != Busy, err
	})
	if err != nil {
		return 0, m.Fail(breezeway.OpLock, err)
	}
	m.locked(how)
	return ticket, nil
}

// take takes the word, and counts deaths unless the mutex is a section's.
func (m *Mutex) take(check bool) (uint64, Taken, error) {
	ticket, how, err := m.Take(0, check)
	if how == Stolen && m.Inherited != nil {
		m.head.Recoveries.Add(1)
	}
	return ticket, how, err
}

// TryLock is Lock that doesn't wait. It asks the kernel whether a holder lives.
func (m *Mutex) TryLock() (ticket uint64, ok bool, err error) {
	var how Taken
	err = m.Use(func() error {
		ticket, how, err = m.take(true)
		return err
	})
	if err != nil || how == Busy {
		return 0, false, m.Fail(breezeway.OpLock, err)
	}
	m.locked(how)
	return ticket, true, nil
}

// lockedLate gives back what LockFree took during Close, wherever it was taken.
func (m *Mutex) lockedLate(ticket uint64) {
	if m.Give(ticket) {
		m.free.Wake(1)
	}
}

func (m *Mutex) locked(how Taken) {
	m.Acquired()
	if how == Stolen && m.Inherited != nil {
		m.Inherited()
	}
}

// Unlock gives the mutex up. It may run while Close replaces the memory by zeros: if
// Closed reports true after the swap, Unlock fails, whether or not the mutex was
// given up in shared memory. If it was not, other processes find its holder dead.
//
// If the mutex was removed meanwhile, Unlock gives it up and returns ErrUnlockedRemoved:
// the first swap fails then, so that this costs an Unlock otherwise nothing.
func (m *Mutex) Unlock(ticket uint64) error {
	m.Released()
	if m.Direct && m.swap(ticket, HolderBits) {
		killpoint.Here("owner given")
		m.free.Wake(1)
		if !m.Closed() {
			return nil
		}
	}
	return m.unlockSlowly(ticket)
}

func (m *Mutex) unlockSlowly(ticket uint64) error { return m.giveUp(ticket, m.Give) }

// abandon gives the mutex up as a death does.
func (m *Mutex) abandon(ticket uint64) error { return m.giveUp(ticket, m.Abandon) }

func (m *Mutex) giveUp(ticket uint64, give func(uint64) bool) error {
	var gave bool
	err := m.Use(func() error {
		if gave = give(ticket); !gave {
			return nil
		}
		m.free.Wake(1)
		if m.WasRemoved() {
			return ErrUnlockedRemoved
		}
		return nil
	})
	return m.Fail(breezeway.OpUnlock, m.held(gave, err))
}

// MarkConsistent clears the recovered bit, if the ticket has it. Close waits for it, so
// that it never marks the zeros in place of the word. See [Owner] for what it races
// with.
func (m *Mutex) MarkConsistent(ticket uint64) error {
	if ticket&Recovered == 0 {
		return nil
	}
	var marked bool
	err := m.Use(func() error {
		marked = m.Mark(ticket)
		return nil
	})
	return m.Fail(breezeway.OpMarkConsistent, m.held(marked, err))
}

// held returns the error of a holder's operation. held says whether it held the mutex.
func (m *Mutex) held(held bool, err error) error {
	if err == nil && (!held || m.Closed()) {
		err = ErrNotHeld
	}
	return err
}
