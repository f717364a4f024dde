package ipcsync

import "context"

// Mutex is a lock that one goroutine of all processes has at a time, by name, and
// that doesn't stay locked when its owner dies.
//
// It belongs to nobody in particular: another goroutine may unlock than locked,
// and who locks twice waits for himself. Who comes first has no privilege: a
// process that unlocks and locks again at once may be faster than one that has
// been waiting.
//
// All methods may be called concurrently.
//
// On Linux it is the object bw.mutex.NAME (docs/formats.md). On Windows it is the
// kernel's mutex NAME, which .NET has as System.Threading.Mutex. There a lock that
// is held costs a thread, and so does one that is waited for, however many wait.
// .NET learns from an AbandonedMutexException that the owner died, but not that a
// mutex is not recoverable; its waiters are not counted.
type Mutex struct {
	locker
	name    string
	created bool
}

// locker is what a [Mutex] stands on.
type locker interface {
	holder
	lock(context.Context, *claim) (Held, error)
	tryLock() (Held, bool, error)
	reset() error
	stats() (Stats, error)
	Close() error
}

const mutexKind = "mutex"

// CreateMutex makes the mutex name, which nobody holds. It fails with
// [os.ErrExist] if there is one, with [os.ErrInvalid] for a bad name, and with
// [os.ErrPermission] where this user may not create.
func CreateMutex(name string, cfg *Config) (*Mutex, error) { return comeToMutex(create, name, cfg) }

// OpenMutex opens the mutex name. It fails with [os.ErrNotExist] if there is
// none, with [os.ErrPermission] if it is somebody else's whom the access rule
// doesn't admit, and with [breezeway.ErrMismatch], leaving it as it is, if it is
// something else than a mutex that this program understands.
func OpenMutex(name string, cfg *Config) (*Mutex, error) { return comeToMutex(open, name, cfg) }

// OpenOrCreateMutex opens the mutex name or, if there is none, makes it;
// [Mutex.Created] tells which.
func OpenOrCreateMutex(name string, cfg *Config) (*Mutex, error) {
	return comeToMutex(openOrCreate, name, cfg)
}

func comeToMutex(h how, name string, cfg *Config) (*Mutex, error) {
	m, err := newMutex(h, name, cfg)
	if err != nil {
		return nil, failed(mutexKind, h.String(), name, explain(err, "mutex", "mutex", "Mutex", name))
	}
	return m, nil
}

// CreateMutexAt makes a mutex of [Size] bytes in memory that the caller shares.
// It fails with [os.ErrExist] if the first bytes there are not zero.
func CreateMutexAt(p Place, cfg *Config) (*Mutex, error) { return comeToMutexAt(create, p, cfg) }

// OpenMutexAt opens the mutex that was created in a place. It fails with
// [os.ErrNotExist] if none was, and else as [OpenMutex] does.
func OpenMutexAt(p Place, cfg *Config) (*Mutex, error) { return comeToMutexAt(open, p, cfg) }

func comeToMutexAt(h how, p Place, cfg *Config) (*Mutex, error) {
	m, err := newOwnMutex(attachAt(h, mutexKind, p, cfg, nil))
	if err != nil {
		return nil, failed(mutexKind, h.String(), p.String(), err)
	}
	return &Mutex{m, m.name, m.created}, nil
}

// RemoveMutex removes the mutex name. Those who wait for it learn it
// ([breezeway.ErrRemoved]), and who holds it keeps it until he unlocks. It fails
// with [os.ErrNotExist] if there is none. On Windows a mutex goes with its last
// handle; RemoveMutex fails with [errors.ErrUnsupported].
func RemoveMutex(name string, cfg *Config) error {
	if err := removeMutex(name, cfg); err != nil {
		return failed(mutexKind, "remove", name, explain(err, "mutex", "mutex", "Mutex", name))
	}
	return nil
}

// Lock waits until the mutex is free and takes it. If the process that held it
// died, [Held.Recovered] says so.
//
// It fails with [context.Cause] within 10 ms of ctx being done, with
// [os.ErrClosed] after Close, with [breezeway.ErrRemoved] within a second of the
// mutex being removed, and with [breezeway.ErrNotRecoverable]; see
// [Held.Unlock]. A mutex that is free is taken even if ctx is done.
//
// Nothing tells that a process died: it is found out within 100 ms from when the
// kernel has freed the dead process's memory and closed its files.
func (m *Mutex) Lock(ctx context.Context) (Held, error) { return m.lock(ctx, nil) }

// TryLock takes the mutex if it is free or its owner dead, and reports whether it
// did. It never waits.
func (m *Mutex) TryLock() (h Held, ok bool, err error) { return m.tryLock() }

// Reset makes a mutex that is not recoverable usable again, after what it
// protects was put in order. Where there is nothing to reset it does nothing. On
// Windows it fails with [os.ErrDeadlineExceeded] while a program holds the mutex
// that doesn't know that it is not recoverable.
func (m *Mutex) Reset() error { return m.reset() }

// Stats tells who holds the mutex and how many wait.
func (m *Mutex) Stats() (Stats, error) { return m.stats() }

// Name returns the mutex's name.
func (m *Mutex) Name() string { return m.name }

// Created reports whether the call that returned m made the mutex.
func (m *Mutex) Created() bool { return m.created }

// Close ends this process's use of the mutex: those of it who wait get
// [os.ErrClosed], and if it holds the mutex, that is as if it had died: the next
// one to lock it is told. Closing again does nothing.
func (m *Mutex) Close() error { return m.locker.Close() }
