package robust

import (
	"context"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// Mutex is a lock in the first words of an object's head.
type Mutex struct {
	*Object
	Owner

	head *MutexHead
	free *wait.Gate // waiters for the mutex

	// Inherited is called, if it isn't nil, after the mutex was taken from a dead
	// holder that was not pending.
	Inherited func()
}

// MutexHead is what the head of an object with a Mutex begins with.
type MutexHead struct {
	word       atomic.Uint64 // see Owner
	free       uint32        // gate
	_          uint32
	Recoveries atomic.Int64
}

// Init finds the mutex in o's head.
func (m *Mutex) Init(o *Object) (err error) {
	m.Object = o
	if m.head, err = Head[MutexHead](o); err != nil {
		return err
	}
	m.Owner.Init(&m.head.word, o.Slots)
	m.free, err = o.Gate(&m.head.free)
	return err
}

// Join takes a slot. If the slot's past holder held the mutex, Join wakes a waiter,
// which takes it from there. recover, if it isn't nil, takes back what else the past
// holder held.
func (m *Mutex) Join(recover func() error) error {
	return m.Object.Join(func(member *liveness.Member) error {
		m.Me = member
		if m.Owner.Join(member) {
			m.free.Wake(1)
		}
		if recover == nil {
			return nil
		}
		return recover()
	})
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
	err = m.Wait(ctx, m.free, c, func(check bool) (ok bool, err error) {
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
