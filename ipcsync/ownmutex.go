package ipcsync

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// ownMutex is a mutex of our own layout.
type ownMutex struct {
	*shared
	owner
	head *mutexHead
	free *wait.Gate // for the mutex to be
}

type mutexHead struct {
	word       atomic.Uint64 // see owner
	free       uint32        // gate
	_          uint32
	recoveries atomic.Int64
}

// newOwnMutex makes a mutex of what attach returned.
func newOwnMutex(s *shared, err error) (*ownMutex, error) {
	if err != nil {
		return nil, err
	}
	m, err := ownMutexIn(s)
	if err != nil {
		return nil, err
	}
	return m, m.join(func() error { return nil })
}

// ownMutexIn makes a mutex of an object that begins with one.
func ownMutexIn(s *shared) (m *ownMutex, err error) {
	m = &ownMutex{shared: s}
	if m.head, err = head[mutexHead](s); err != nil {
		return nil, err
	}
	m.owner = owner{word: &m.head.word, table: s.slotTable}
	m.free, err = s.gate(&m.head.free)
	return m, err
}

// join takes a slot. recover takes back what else its past holder held.
func (m *ownMutex) join(recover func() error) error {
	return m.shared.join(func(member *liveness.Member) error {
		m.member = member
		m.owner.me = member.Holder
		if m.disown(member) {
			m.free.Wake(1)
		}
		return recover()
	})
}

func (m *ownMutex) lock(ctx context.Context, c *claim) (Held, error) {
	if m.direct && c == nil {
		w := m.word.Load()
		if w&(holderBits|inherited) == 0 && m.word.CompareAndSwap(w, w+once|uint64(m.me)) {
			killpoint.Here("owner taken")
			ticket := w + once | uint64(m.me)
			if m.closed.Load() {
				return m.lockedLate(ticket)
			}
			m.acquired()
			return Held{m, ticket}, nil
		}
	}
	var ticket uint64
	var how taken
	err := m.wait(ctx, m.free, c, func(check bool) (ok bool, err error) {
		ticket, how, err = m.tryTake(check)
		return how == fresh || how == stolen, err
	})
	if err != nil {
		return Held{}, m.fail("lock", err)
	}
	return m.locked(ticket, how), nil
}

func (m *ownMutex) tryLock() (h Held, ok bool, err error) {
	var ticket uint64
	var how taken
	err = m.use(func() error {
		ticket, how, err = m.tryTake(true)
		return err
	})
	if err != nil {
		return Held{}, false, m.fail("lock", err)
	}
	if how == busy {
		return Held{}, false, nil
	}
	return m.locked(ticket, how), true, nil
}

// tryTake takes the word, and fails if that can't succeed any more. Close waits
// for it, as it must where something is taken from a dead one: the word would name
// one who has closed, and pass for one who died before he mended anything.
func (m *ownMutex) tryTake(check bool) (uint64, taken, error) {
	ticket, how, err := m.take(0, check)
	switch {
	case err != nil:
		return 0, busy, err
	case how == spoiled:
		m.head.recoveries.Add(1)
		m.free.Wake(wait.All)
		return 0, how, errNotRecoverable
	case how == hopeless:
		return 0, how, errNotRecoverable
	case how == stolen && !m.mends:
		m.head.recoveries.Add(1)
	}
	return ticket, how, nil
}

// lockedLate gives back what was taken while Close was under way, if it was not
// taken in the memory that Close left.
func (m *ownMutex) lockedLate(ticket uint64) (Held, error) {
	if m.withdraw(ticket) {
		m.free.Wake(1)
	}
	return Held{}, m.fail("lock", os.ErrClosed)
}

func (m *ownMutex) locked(ticket uint64, how taken) Held {
	m.acquired()
	if how == stolen && !m.mends {
		m.log.Warn("the process that held the lock died; this one has it now", slog.String("kind", m.kind), slog.String("name", m.name))
	}
	return Held{m, ticket}
}

func (m *ownMutex) unlock(ticket uint64) error {
	if m.direct {
		m.released()
		if ticket&inherited == 0 && m.word.CompareAndSwap(ticket, ticket&^holderBits) {
			killpoint.Here("owner given")
			m.free.Wake(1)
			if !m.closed.Load() {
				return nil
			}
		}
	}
	return m.unlockSlowly(ticket)
}

func (m *ownMutex) unlockSlowly(ticket uint64) error {
	m.released()
	var gave, spoils bool
	err := m.use(func() error {
		gave, spoils = m.give(ticket)
		switch {
		case spoils:
			m.free.Wake(wait.All)
		case gave:
			m.free.Wake(1)
		}
		return nil
	})
	if err == nil && (!gave || m.closed.Load()) {
		err = errNotHeld
	}
	if err != nil {
		return m.fail("unlock", err)
	}
	return nil
}

func (m *ownMutex) markConsistent(ticket uint64) error {
	marked := false
	err := m.use(func() error {
		marked = m.mark(ticket)
		return nil
	})
	if err == nil && (!marked || m.closed.Load()) {
		err = errNotHeld
	}
	if err != nil {
		return m.fail("mark consistent", err)
	}
	return nil
}

func (m *ownMutex) reset() error {
	err := m.use(func() error {
		did, err := m.owner.reset()
		if did {
			m.free.Wake(1)
		}
		return err
	})
	if err != nil {
		return m.fail("reset", err)
	}
	return nil
}

func (m *ownMutex) stats() (st Stats, err error) {
	err = m.use(func() error {
		st, err = m.lockStats(&m.owner, m.head.recoveries.Load())
		return err
	})
	if err != nil {
		return Stats{}, m.fail("stat", err)
	}
	return st, nil
}

// lockStats tells what the word of a lock tells.
func (s *shared) lockStats(o *owner, recoveries int64) (st Stats, err error) {
	st = Stats{Max: -1, Recoveries: recoveries}
	w := o.word.Load()
	h := liveness.Holder(w & holderBits)
	switch {
	case h == liveness.Nobody && w&inherited != 0:
		st.NotRecoverable = true
	case h == liveness.Nobody:
		st.Value = 1
	default:
		if err := s.slotTable.Check(h); err != nil {
			return st, err
		}
		alive, err := s.slotTable.Lives(h)
		if err != nil {
			return st, err
		}
		if alive {
			st.Holders = 1
			st.PIDs = []int{s.slotTable.PID(h)}
		}
	}
	st.Waiters, err = s.waiters()
	return st, err
}
