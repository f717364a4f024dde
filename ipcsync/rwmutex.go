package ipcsync

import (
	"context"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// RWMutex is a lock that one writer in all processes holds alone, or any number of
// readers together. It has a name, and doesn't stay locked when the process of a
// holder dies.
//
// A waiting writer blocks new readers, and a writer that unlocks lets the readers
// that wait go before the next writer. Otherwise waiters may be overtaken. A
// reader that wants to write must unlock first, and one that read-locks twice may
// wait for a writer that waits for it.
//
// A reader that dies has changed nothing: it is as if it had unlocked. After a writer
// died, every later holder is Recovered, readers too, until a writer has marked the
// lock as consistent; see [Held.Recovered]. A reader that is Recovered can unlock, and
// repair what the lock protects as a writer.
//
// In [WaitAny] it is locked for writing.
//
// All methods may be called concurrently. It is the object bw.rwmutex.NAME on all
// systems (docs/formats.md).
type RWMutex struct{ lock *rwLock }

// CreateRWMutex makes the lock name, which is free. It fails with [os.ErrExist] if
// there is one, with [os.ErrInvalid] for a bad name, and with [os.ErrPermission]
// where this user may not create.
func CreateRWMutex(name string, cfg *Config) (*RWMutex, error) {
	return openRWMutex(robust.Create, name, cfg)
}

// OpenRWMutex opens the lock name. It fails with [os.ErrNotExist] if there is
// none, with [os.ErrPermission] if it belongs to a user that Config.Trust doesn't
// name, and with [breezeway.ErrMismatch], leaving it as it is, if it is something
// else than a lock that this program understands.
func OpenRWMutex(name string, cfg *Config) (*RWMutex, error) {
	return openRWMutex(robust.Open, name, cfg)
}

// OpenOrCreateRWMutex opens the lock name or, if there is none, makes it;
// [RWMutex.Created] tells which.
func OpenOrCreateRWMutex(name string, cfg *Config) (*RWMutex, error) {
	return openRWMutex(robust.OpenOrCreate, name, cfg)
}

func openRWMutex(mode robust.OpenMode, name string, cfg *Config) (*RWMutex, error) {
	return openAs(KindRWMutex, mode, name, cfg, func(s *settings) (*RWMutex, error) { return newRWMutex(mode, name, s) })
}

func newRWMutex(mode robust.OpenMode, name string, s *settings) (*RWMutex, error) {
	l := &rwLock{}
	if err := robust.Attach(mode, KindRWMutex.layout(s.Slots), name, s.robust(), l.init); err != nil {
		return nil, err
	}
	return &RWMutex{l}, nil
}

// check fails for the zero value.
func (m *RWMutex) check(op string) error {
	if m == nil || m.lock == nil {
		return unopened{KindRWMutex}.fail(op)
	}
	return nil
}

// Lock waits until there is no other living holder, and takes the lock for writing.
// Once it is next, new readers wait. [Held.Recovered] then tells whether to repair
// what the lock protects; a writer that died while it still waited for readers has
// changed nothing, and doesn't count.
//
// It fails with [context.Cause] within 10 ms of ctx being done, with
// [os.ErrClosed] after Close, and with [breezeway.ErrRemoved] once the lock
// was removed; see [Remove]. A lock that is free is taken even if ctx is done.
//
// If a holder dies, waiters find it out within 100 ms from when the kernel has freed
// the dead process's memory and closed its files.
func (m *RWMutex) Lock(ctx context.Context) (Held, error) {
	if err := m.check(breezeway.OpLock); err != nil {
		return Held{}, err
	}
	return m.lock.Lock(ctx, nil)
}

// TryLock takes the lock for writing if no living process holds it, and reports
// whether it did. It never waits.
func (m *RWMutex) TryLock() (h Held, ok bool, err error) {
	if err := m.check(breezeway.OpLock); err != nil {
		return Held{}, false, err
	}
	return m.lock.TryLock()
}

// RLock waits until no living writer has the lock or is next, and takes it for
// reading. A dead writer doesn't make it fail: [Held.Recovered] is that of Lock, but
// only a writer can mark the lock as consistent. It fails as Lock does.
func (m *RWMutex) RLock(ctx context.Context) (Held, error) {
	if err := m.check(breezeway.OpRLock); err != nil {
		return Held{}, err
	}
	return m.lock.RLock(ctx, nil)
}

// TryRLock takes the lock for reading if no living writer has it or is next, and
// reports whether it did. It never waits, and fails as RLock does.
func (m *RWMutex) TryRLock() (h Held, ok bool, err error) {
	if err := m.check(breezeway.OpRLock); err != nil {
		return Held{}, false, err
	}
	return m.lock.TryRLock()
}

// Do locks the lock for writing, calls f, and unlocks it, as [Mutex.Do] does.
func (m *RWMutex) Do(ctx context.Context, f func(recovered bool) error) error {
	h, err := m.Lock(ctx)
	if err != nil {
		return err
	}
	return h.do(f)
}

// Waiter is for [WaitAny], which locks the lock for writing.
func (m *RWMutex) Waiter() robust.Waiter { return writeWaiter{m} }

// writeWaiter locks for writing. While it waits for readers other waits of the
// claim may succeed.
type writeWaiter struct{ m *RWMutex }

func (w writeWaiter) Wait(ctx context.Context, c *robust.Claim) (any, error) {
	if err := w.m.check(breezeway.OpLock); err != nil {
		return nil, err
	}
	return w.m.lock.Lock(ctx, c)
}

func (w writeWaiter) Try() (any, bool, error) { return tried(w.m.TryLock()) }

// RLocker returns m as [WaitAny] takes it to read.
func (m *RWMutex) RLocker() Waitable { return readWaiter{m} }

type readWaiter struct{ m *RWMutex }

func (w readWaiter) Waiter() robust.Waiter { return w }

func (w readWaiter) Wait(ctx context.Context, c *robust.Claim) (any, error) {
	if err := w.m.check(breezeway.OpRLock); err != nil {
		return nil, err
	}
	return w.m.lock.RLock(ctx, c)
}

func (w readWaiter) Try() (any, bool, error) { return tried(w.m.TryRLock()) }

// Stats returns which processes hold the lock, readers or writer, how many wait, and
// whether the next holder is Recovered.
func (m *RWMutex) Stats() (Stats, error) {
	if err := m.check(breezeway.OpStat); err != nil {
		return Stats{}, err
	}
	return m.lock.Stats()
}

// Name returns the lock's name.
func (m *RWMutex) Name() string {
	if m == nil || m.lock == nil {
		return ""
	}
	return m.lock.Name
}

// Created reports whether the call that returned m made the lock.
func (m *RWMutex) Created() bool { return m != nil && m.lock != nil && m.lock.Created }

// Close ends this process's use of the lock. Its waiters get [os.ErrClosed]. If this
// process holds the lock, that is as if it had died: its read locks end, and if it is
// the writer, the next holder is Recovered. A Lock of this process that Close
// overtakes, and that fails, may count so too. Closing again does nothing.
func (m *RWMutex) Close() error {
	if err := m.check(breezeway.OpClose); err != nil {
		return err
	}
	return m.lock.Close()
}
