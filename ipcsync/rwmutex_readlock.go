package ipcsync

import (
	"context"
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

var errOwnerDead = fmt.Errorf("a writer died holding it; Lock it, repair what it protects, and MarkConsistent (%w)", breezeway.ErrOwnerDead)

func (m *rwLock) rlock(ctx context.Context, c *claim) (Held, error) {
	if m.direct && c == nil {
		if ok, _ := m.enter(false); ok {
			return m.entered()
		}
	}
	err := m.wait(ctx, m.mayRead, c, func(check bool) (bool, error) {
		ok, err := m.enter(check)
		switch turn := m.head.turn.Load(); {
		case ok && turn == turnWanted:
			m.head.turn.CompareAndSwap(turnWanted, turnOpen)
		case !ok && err == nil && turn == turnOpen:
			m.head.turn.CompareAndSwap(turnOpen, turnWanted)
		}
		return ok, err
	})
	if err != nil {
		// Others who want say so when they look again.
		m.touch(func() {
			if m.head.turn.Swap(turnOpen) == turnReaders {
				m.mayWrite.Wake(1)
			}
		})
		return Held{}, m.fail("read-lock", err)
	}
	return m.entered()
}

// enter counts a reader, unless a writer is there. With check it asks the kernel
// whether he lives.
func (m *rwLock) enter(check bool) (bool, error) {
	if free, err := m.isReadable(check); err != nil || !free {
		return false, err
	}
	state := &m.member.Entry.State
	for {
		s := state.Load()
		if liveness.Generation(s) != m.generation {
			return false, errOverwritten
		}
		if state.CompareAndSwap(s, s+1) {
			break
		}
	}
	killpoint.Here("rwmutex reader counted")
	if m.word.Load()&(holderBits|inherited) == 0 {
		return true, nil
	}
	m.leave() // a writer was faster
	return false, nil
}

// isReadable reports whether there is no writer. One who died pending has left
// nothing and is taken away.
func (m *rwLock) isReadable(check bool) (bool, error) {
	for {
		w := m.word.Load()
		h := liveness.Holder(w & holderBits)
		if h == liveness.Nobody {
			if w&inherited != 0 {
				return false, errNotRecoverable
			}
			return true, nil
		}
		dead, err := m.isDead(h, check)
		switch {
		case err != nil || !dead:
			return false, err
		case w&pending != 0:
			m.retreat(w)
		case w&inherited == 0:
			return false, errOwnerDead
		case m.word.CompareAndSwap(w, w&^holderBits):
			m.head.recoveries.Add(1)
			m.wakeAll(wait.All)
		}
	}
}

// leave takes a reader off the count.
func (m *rwLock) leave() {
	state := &m.member.Entry.State
	for {
		s := state.Load()
		if liveness.Generation(s) != m.generation || s&countBits == 0 {
			return // late, after Close
		}
		if state.CompareAndSwap(s, s-1) {
			break
		}
	}
	killpoint.Here("rwmutex reader uncounted")
	m.drained.Wake(1)
}

// entered is what follows when the lock was taken for reading, perhaps in the
// memory that Close left.
func (m *rwLock) entered() (Held, error) {
	m.acquired()
	if m.closed.Load() {
		m.touch(m.leave)
		return Held{}, m.fail("read-lock", os.ErrClosed)
	}
	return Held{(*readLock)(m), m.tickets.take()}, nil
}

func (m *rwLock) tryRLock() (h Held, ok bool, err error) {
	err = m.use(func() error {
		ok, err = m.enter(true)
		return err
	})
	if err == nil && ok {
		h, err = m.entered()
	}
	return m.tried("read-lock", h, ok, err)
}

// readLock is an rwLock as readers hold it.
type readLock rwLock

func (r *readLock) unlock(ticket uint64) error {
	m := (*rwLock)(r)
	m.released()
	gave := m.tickets.give(ticket)
	var err error
	if gave {
		err = m.touch(func() {
			m.leave()
			if m.head.turn.Load() == turnReaders && m.head.turn.CompareAndSwap(turnReaders, turnOpen) {
				m.mayWrite.Wake(1)
			}
		})
	}
	return m.given("read-unlock", gave, err)
}

// markConsistent is never called: a reader inherits nothing.
func (*readLock) markConsistent(uint64) error { return nil }
