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
	free *wait.Gate // for the mutex to be

	// Inherited is called, if it isn't nil, when the mutex was taken from a dead
	// holder.
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

// Join takes a slot. recover, if it isn't nil, takes back what else the slot's past
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

// Recoveries counts how often the mutex was taken from a dead holder. Another user
// of the head may count there instead.
func (m *Mutex) Recoveries() *atomic.Int64 { return &m.head.Recoveries }

// LockFree takes the mutex if it has no holder and its memory needs no protection.
// Where it reports false, Lock finds out why.
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
// has the bit Recovered if a holder died and no later one marked as consistent what
// it left.
func (m *Mutex) Lock(ctx context.Context, c *Claim) (uint64, error) {
	if c == nil {
		if ticket, ok := m.LockFree(); ok {
			return ticket, nil
		}
	}
	return m.LockSlowly(ctx, c)
}

// LockSlowly is Lock after LockFree.
func (m *Mutex) LockSlowly(ctx context.Context, c *Claim) (ticket uint64, err error) {
	var how Taken
	err = m.Wait(ctx, m.free, c, func(check bool) (ok bool, err error) {
		ticket, how, err = m.Take(0, check)
		return how != Busy, err
	})
	if err != nil {
		return 0, m.Fail(breezeway.OpLock, err)
	}
	m.locked(how)
	return ticket, nil
}

// TryLock is Lock that doesn't wait.
func (m *Mutex) TryLock() (ticket uint64, ok bool, err error) {
	var how Taken
	err = m.Use(func() error {
		ticket, how, err = m.Take(0, true)
		return err
	})
	if err != nil || how == Busy {
		return 0, false, m.Fail(breezeway.OpLock, err)
	}
	m.locked(how)
	return ticket, true, nil
}

// lockedLate gives back what was taken while Close was under way, if it was not
// taken in the memory that Close left.
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

// Unlock gives the mutex up.
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

func (m *Mutex) unlockSlowly(ticket uint64) error {
	var gave bool
	err := m.Use(func() error {
		if gave = m.Give(ticket); gave {
			m.free.Wake(1)
		}
		return nil
	})
	return m.Fail(breezeway.OpUnlock, m.held(gave, err))
}

// abandon gives the mutex up as a death does.
func (m *Mutex) abandon(ticket uint64) error {
	var gave bool
	err := m.Use(func() error {
		if gave = m.Abandon(ticket); gave {
			m.free.Wake(1)
		}
		return nil
	})
	return m.Fail(breezeway.OpUnlock, m.held(gave, err))
}

// MarkConsistent says that what the mutex protects is in order again. For a ticket
// without the bit Recovered it does nothing.
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

// held is how an operation of a holder ends, which held the mutex or not.
func (m *Mutex) held(held bool, err error) error {
	if err == nil && (!held || m.Closed()) {
		err = ErrNotHeld
	}
	return err
}
