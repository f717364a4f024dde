package ipcsync

import (
	"context"

	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Mutex is a lock that one goroutine in all processes holds at a time. It has a name,
// and doesn't stay locked when the process of its holder dies.
//
// It is not bound to a goroutine: any goroutine of the process may unlock it, and one
// that locks twice waits for itself. Waiters may be overtaken: a process that unlocks
// and locks again at once may be faster than one that has been waiting.
//
// All methods may be called concurrently.
//
// On Linux it is the object bw.mutex.NAME (docs/formats.md). On Windows it is the
// kernel's mutex NAME, which .NET has as System.Threading.Mutex. There a Mutex costs
// a thread while this process holds it or waits for it, however many goroutines
// wait. [Held.Recovered] is lost there if a .NET program took the abandoned mutex (it
// gets an AbandonedMutexException), or if the last handle was closed. Stats doesn't
// count .NET's waiters.
type Mutex struct {
	mutex   locker
	holder  holder        // mutex, as a Held names it
	shared  *robust.Mutex // mutex, where it is one of our own layout
	name    string
	created bool
}

// locker is what a [Mutex] is made of.
type locker interface {
	holder
	Lock(context.Context, *robust.Claim) (ticket uint64, err error)
	TryLock() (ticket uint64, ok bool, err error)
	Stats() (Stats, error)
	Close() error
}

// CreateMutex makes the mutex name, which is free. It fails with [os.ErrExist] if
// there is one, with [os.ErrInvalid] for a bad name, and with [os.ErrPermission]
// where this user may not create.
func CreateMutex(name string, cfg *Config) (*Mutex, error) {
	return openMutex(robust.Create, name, cfg)
}

// OpenMutex opens the mutex name. It fails with [os.ErrNotExist] if there is
// none, with [os.ErrPermission] if it belongs to a user that Config.Trust doesn't
// name, and with [breezeway.ErrMismatch], leaving it as it is, if it is something
// else than a mutex that this program understands.
func OpenMutex(name string, cfg *Config) (*Mutex, error) { return openMutex(robust.Open, name, cfg) }

// OpenOrCreateMutex opens the mutex name or, if there is none, makes it;
// [Mutex.Created] tells which.
func OpenOrCreateMutex(name string, cfg *Config) (*Mutex, error) {
	return openMutex(robust.OpenOrCreate, name, cfg)
}

func openMutex(mode robust.OpenMode, name string, cfg *Config) (*Mutex, error) {
	return openAs(KindMutex, mode, name, cfg, func(s *settings) (*Mutex, error) { return newMutex(mode, name, s) })
}

// locker returns what m is made of.
func (m *Mutex) locker() locker {
	if m == nil || m.mutex == nil {
		return unopened{KindMutex}
	}
	return m.mutex
}

// Lock waits until the mutex is free, or its holder dead, and takes it. Then
// [Held.Recovered] tells whether to repair what the mutex protects.
//
// It fails with [context.Cause] within 10 ms of ctx being done, with
// [os.ErrClosed] after Close, and with [breezeway.ErrRemoved] once the mutex
// was removed; see [Remove]. A mutex that is free is taken even if ctx is done.
//
// If the holder dies, waiters find it out within 100 ms from when the kernel has
// freed the dead process's memory and closed its files.
func (m *Mutex) Lock(ctx context.Context) (Held, error) {
	if m != nil && m.shared != nil {
		if ticket, ok := m.shared.LockFree(); ok {
			return Held{m.holder, ticket}, nil
		}
		return m.held(m.shared.LockSlowly(ctx, nil))
	}
	return m.held(m.locker().Lock(ctx, nil))
}

func (m *Mutex) held(ticket uint64, err error) (Held, error) {
	if err != nil {
		return Held{}, err
	}
	return Held{m.holder, ticket}, nil
}

// TryLock takes the mutex if it is free, or its holder dead, and reports whether it
// did. It never waits.
func (m *Mutex) TryLock() (h Held, ok bool, err error) {
	ticket, ok, err := m.locker().TryLock()
	if err != nil || !ok {
		return Held{}, false, err
	}
	return Held{m.holder, ticket}, true, nil
}

// Do locks the mutex, calls f, and unlocks the mutex, also if f panics. recovered is
// that of [Held.Recovered]. If f returns nil, Do marks the mutex as consistent; an
// error or a panic leaves it marked as recovered. Do returns the error of f, or its
// own.
func (m *Mutex) Do(ctx context.Context, f func(recovered bool) error) error {
	h, err := m.Lock(ctx)
	if err != nil {
		return err
	}
	return h.do(f)
}

// Waiter is for [WaitAny], which locks the mutex.
func (m *Mutex) Waiter() robust.Waiter { return mutexWaiter{m} }

type mutexWaiter struct{ m *Mutex }

func (w mutexWaiter) Wait(ctx context.Context, c *robust.Claim) (any, error) {
	ticket, err := w.m.locker().Lock(ctx, c)
	return Held{w.m.holder, ticket}, err
}

func (w mutexWaiter) Try() (any, bool, error) { return tried(w.m.TryLock()) }

// Stats returns which process holds the mutex, how many wait, and whether the next
// holder is Recovered.
func (m *Mutex) Stats() (Stats, error) { return m.locker().Stats() }

// Name returns the mutex's name.
func (m *Mutex) Name() string {
	if m == nil {
		return ""
	}
	return m.name
}

// Created reports whether the call that returned m made the mutex.
func (m *Mutex) Created() bool { return m != nil && m.created }

// Close ends this process's use of the mutex. Its waiters get [os.ErrClosed]. If this
// process holds the mutex, that is as if it had died: the next holder is Recovered.
// A Lock of this process that Close overtakes, and that fails, may count so too.
// Closing again does nothing.
func (m *Mutex) Close() error { return m.locker().Close() }
