package ipcsync

import "context"

// RWMutex is a lock that one writer has alone, or any number of readers together,
// by name, in all processes, and that doesn't stay locked when one of them dies.
//
// Nobody is starved: a writer who waits keeps new readers out, and a writer who
// unlocks lets the readers that wait go before the next writer. Otherwise who
// comes first has no privilege. A reader who wants to write must unlock first, and
// who read-locks twice may wait for a writer who waits for him.
//
// A reader who dies changed nothing: writers go on as if he had unlocked. When a
// writer dies, the next to Lock is told, as with a [Mutex]; readers can't repair
// what he left, so that until then RLock fails with [breezeway.ErrOwnerDead].
//
// In [WaitAny] it is locked for writing.
//
// All methods may be called concurrently. It is the object bw.rwmutex.NAME on all
// systems (docs/formats.md).
type RWMutex struct{ rw *rwLock }

const rwMutexKind = "rwmutex"

// CreateRWMutex makes the lock name, which nobody holds. It fails with
// [os.ErrExist] if there is one, with [os.ErrInvalid] for a bad name, and with
// [os.ErrPermission] where this user may not create.
func CreateRWMutex(name string, cfg *Config) (*RWMutex, error) {
	return comeToRWMutex(create, name, cfg)
}

// OpenRWMutex opens the lock name. It fails with [os.ErrNotExist] if there is
// none, with [os.ErrPermission] if it is somebody else's whom the access rule
// doesn't admit, and with [breezeway.ErrMismatch], leaving it as it is, if it is
// something else than a lock that this program understands.
func OpenRWMutex(name string, cfg *Config) (*RWMutex, error) { return comeToRWMutex(open, name, cfg) }

// OpenOrCreateRWMutex opens the lock name or, if there is none, makes it;
// [RWMutex.Created] tells which.
func OpenOrCreateRWMutex(name string, cfg *Config) (*RWMutex, error) {
	return comeToRWMutex(openOrCreate, name, cfg)
}

func comeToRWMutex(h how, name string, cfg *Config) (*RWMutex, error) {
	m, err := newRWLock(attach(h, rwMutexKind, name, cfg, nil))
	if err != nil {
		return nil, failed(rwMutexKind, h.String(), name, explainRWMutex(err, name))
	}
	return &RWMutex{m}, nil
}

func explainRWMutex(err error, name string) error {
	return explain(err, rwMutexKind, "read-write lock", "RWMutex", name)
}

// CreateRWMutexAt makes a lock of [Size] bytes in memory that the caller shares.
// It fails with [os.ErrExist] if the first bytes there are not zero.
func CreateRWMutexAt(p Place, cfg *Config) (*RWMutex, error) { return comeToRWMutexAt(create, p, cfg) }

// OpenRWMutexAt opens the lock that was created in a place. It fails with
// [os.ErrNotExist] if none was, and else as [OpenRWMutex] does.
func OpenRWMutexAt(p Place, cfg *Config) (*RWMutex, error) { return comeToRWMutexAt(open, p, cfg) }

func comeToRWMutexAt(h how, p Place, cfg *Config) (*RWMutex, error) {
	m, err := newRWLock(attachAt(h, rwMutexKind, p, cfg, nil))
	if err != nil {
		return nil, failed(rwMutexKind, h.String(), p.String(), err)
	}
	return &RWMutex{m}, nil
}

// RemoveRWMutex removes the lock name. Those who wait for it learn it
// ([breezeway.ErrRemoved]), and who holds it keeps it until he unlocks. It fails
// with [os.ErrNotExist] if there is none, and on Windows with [os.ErrPermission]
// while a process has it open.
func RemoveRWMutex(name string, cfg *Config) error {
	if err := removeShared(rwMutexKind, name, cfg); err != nil {
		return failed(rwMutexKind, "remove", name, explainRWMutex(err, name))
	}
	return nil
}

// Lock waits until nobody else holds the lock and takes it for writing. From when
// it is this writer's turn, new readers wait. If the writer before died,
// [Held.Recovered] says so; if he died while he still waited for readers, there is
// nothing to recover.
//
// It fails with [context.Cause] within 10 ms of ctx being done, with
// [os.ErrClosed] after Close, with [breezeway.ErrRemoved] within a second of the
// lock being removed, and with [breezeway.ErrNotRecoverable]; see [Held.Unlock].
// A lock that is free is taken even if ctx is done.
//
// Nothing tells that a process died: it is found out within 100 ms from when the
// kernel has freed the dead process's memory and closed its files.
func (m *RWMutex) Lock(ctx context.Context) (Held, error) { return m.rw.lock(ctx, nil) }

// TryLock takes the lock for writing if nobody who is alive holds it, and reports
// whether it did. It never waits.
func (m *RWMutex) TryLock() (h Held, ok bool, err error) { return m.rw.tryLock() }

// RLock waits until no writer has the lock or is next, and takes it for reading.
// It fails as Lock does, and with [breezeway.ErrOwnerDead] when a writer died
// holding it, until another writer has marked it consistent: Lock it, and if that
// is Recovered, repair what it protects.
func (m *RWMutex) RLock(ctx context.Context) (Held, error) { return m.rw.rlock(ctx, nil) }

// TryRLock takes the lock for reading if no writer has it or is next, and reports
// whether it did. It never waits, and fails as RLock does.
func (m *RWMutex) TryRLock() (h Held, ok bool, err error) { return m.rw.tryRLock() }

// takeAny locks it for writing. While it waits for readers others of the claim may
// win.
func (m *RWMutex) takeAny(ctx context.Context, c *claim) (Held, error) { return m.rw.lock(ctx, c) }
func (m *RWMutex) tryAny() (Held, bool, error)                         { return m.rw.tryLock() }

// Reset makes a lock that is not recoverable usable again, after what it protects
// was put in order. Where there is nothing to reset it does nothing.
func (m *RWMutex) Reset() error { return m.rw.reset() }

// Stats tells who holds the lock, readers and writer, and how many wait.
func (m *RWMutex) Stats() (Stats, error) { return m.rw.stats() }

// Name returns the lock's name.
func (m *RWMutex) Name() string { return m.rw.name }

// Created reports whether the call that returned m made the lock.
func (m *RWMutex) Created() bool { return m.rw.created }

// Close ends this process's use of the lock: those of it who wait get
// [os.ErrClosed], and what it holds is as if it had died: its read locks are
// nobody's any more, and if it was the writer, the next one is told.
// Closing again does nothing.
func (m *RWMutex) Close() error { return m.rw.Close() }
