package ipcsync

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/kernelobj"
)

// kernelMutex is a mutex of the kernel, which excludes also programs that know
// nothing of this package.
type kernelMutex struct {
	mutex *kernelobj.Mutex
	name  string
	log   *slog.Logger
}

func openKernelMutex(h how, name string, cfg *Config) (m kernelMutex, created bool, err error) {
	s, err := cfg.settings()
	if err == nil {
		err = breezeway.CheckName(name)
	}
	if err != nil {
		return kernelMutex{}, false, err
	}
	m = kernelMutex{name: name, log: s.Logger}
	switch h {
	case create:
		m.mutex, err = kernelobj.CreateMutex(name, s.Scope, s.access)
		created = true
	case open:
		m.mutex, err = kernelobj.OpenMutex(name, s.Scope, s.access)
	default:
		m.mutex, created, err = kernelobj.OpenOrCreateMutex(name, s.Scope, s.access)
	}
	return m, created, err
}

func (m kernelMutex) lock(ctx context.Context, c *claim) (Held, error) {
	o, err := m.mutex.Acquire(ctx, c)
	if err != nil {
		return Held{}, m.fail("lock", err)
	}
	return m.held(o), nil
}

func (m kernelMutex) tryLock() (Held, bool, error) {
	o, ok, err := m.mutex.TryAcquire()
	if !ok || err != nil {
		return Held{}, false, m.fail("lock", err)
	}
	return m.held(o), true, nil
}

// held makes a ticket of the ownership's number, without the bit that is inherited.
func (m kernelMutex) held(o kernelobj.Owned) Held {
	if o.OwnerDied {
		m.log.Warn("the process that held the lock died; this one has it now", slog.String("kind", mutexKind), slog.String("name", m.name))
	}
	ticket := o.Number * 2 * inherited
	if o.Recovered {
		ticket |= inherited
	}
	return Held{m, ticket}
}

func (m kernelMutex) unlock(ticket uint64) error {
	return m.fail("unlock", m.mutex.Release(ticket/2/inherited))
}

func (m kernelMutex) markConsistent(ticket uint64) error {
	return m.fail("mark consistent", m.mutex.MarkConsistent(ticket/2/inherited))
}

func (m kernelMutex) stats() (Stats, error) {
	is, err := m.mutex.Stats()
	if err != nil {
		return Stats{}, m.fail("stat", err)
	}
	st := Stats{Max: -1, Waiters: is.Waiters, Recoveries: int64(is.Recoveries)}
	switch {
	case is.Owned:
		st.Holders = 1
		if is.PID != 0 {
			st.PIDs = []int{is.PID}
		}
	case !is.Abandoned:
		st.Value = 1
	}
	return st, nil
}

func (m kernelMutex) fail(op string, err error) error {
	switch {
	case err != nil && m.mutex.IsClosed():
		err = os.ErrClosed
	case errors.Is(err, kernelobj.ErrNotOwned):
		err = errNotHeld
	}
	return failed(mutexKind, op, m.name, err)
}

func (m kernelMutex) Close() error {
	return failed(mutexKind, "close", m.name, m.mutex.Close())
}
