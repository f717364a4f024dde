package ipcsync

import (
	"context"
	"log/slog"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/kernelobj"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// kernelMutex is a mutex of the kernel, which excludes also programs that don't use
// this package.
type kernelMutex struct {
	mutex *kernelobj.Mutex
	name  string
	log   *slog.Logger
}

func (m kernelMutex) Lock(ctx context.Context, c *robust.Claim) (uint64, error) {
	o, err := m.mutex.Acquire(ctx, c)
	if err != nil {
		return 0, m.fail(breezeway.OpLock, err)
	}
	return m.ticket(o), nil
}

func (m kernelMutex) TryLock() (uint64, bool, error) {
	o, ok, err := m.mutex.TryAcquire()
	if !ok || err != nil {
		return 0, false, m.fail(breezeway.OpLock, err)
	}
	return m.ticket(o), true, nil
}

// ticket makes a ticket of the ownership's number, above the bit robust.Recovered.
func (m kernelMutex) ticket(o kernelobj.Owned) uint64 {
	if o.OwnerDied {
		m.log.Warn("the process that held the lock died; this one has it now", slog.String("kind", string(KindMutex)), slog.String("name", m.name))
	}
	ticket := o.Number * 2 * robust.Recovered
	if o.Recovered {
		ticket |= robust.Recovered
	}
	return ticket
}

func (m kernelMutex) Unlock(ticket uint64) error {
	return m.fail(breezeway.OpUnlock, m.mutex.Release(ticket/2/robust.Recovered))
}

func (m kernelMutex) MarkConsistent(ticket uint64) error {
	if ticket&robust.Recovered == 0 {
		return nil
	}
	return m.fail(breezeway.OpMarkConsistent, m.mutex.MarkConsistent(ticket/2/robust.Recovered))
}

func (m kernelMutex) Stats() (Stats, error) {
	is, err := m.mutex.Stats()
	if err != nil {
		return Stats{}, m.fail(breezeway.OpStat, err)
	}
	st := Stats{Max: -1, Waiters: is.Waiters, Recoveries: int64(is.Recoveries), Recovered: is.Recovered}
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
	if err != nil && m.mutex.IsClosed() {
		err = os.ErrClosed
	}
	return KindMutex.fail(op, m.name, err)
}

func (m kernelMutex) Close() error {
	return KindMutex.fail(breezeway.OpClose, m.name, m.mutex.Close())
}
