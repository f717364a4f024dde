package cli

import (
	"context"
	"errors"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// lock is what ipc lock takes.
type lock interface {
	// take takes the lock. With try it doesn't wait, and reports false if the lock
	// is not free.
	take(ctx context.Context, try bool) (held, bool, error)
	// holders are the processes that have it, as far as they are known.
	holders() []int
	Close() error
}

// held is a lock that this process holds.
type held interface {
	// Recovered reports whether a holder died and none after it has marked
	// consistent what the lock protects.
	Recovered() bool
	MarkConsistent() error
	Unlock() error
}

// exclusiveLock is a Mutex, or an RWMutex for a writer.
type exclusiveLock struct {
	syncObject
	wait func(context.Context) (ipcsync.Held, error)
	try  func() (ipcsync.Held, bool, error)
}

func (l exclusiveLock) take(ctx context.Context, try bool) (held, bool, error) {
	if try {
		return l.try()
	}
	h, err := l.wait(ctx)
	return h, err == nil, err
}

func (l exclusiveLock) holders() []int { return holdersOf(l.syncObject) }

func openMutex(t target, r accessRule, _ bool) (lock, error) {
	m, err := ipcsync.OpenOrCreateMutex(t.name, r.syncConfig())
	if err != nil {
		return nil, err
	}
	return exclusiveLock{m, m.Lock, m.TryLock}, nil
}

func openRWMutex(t target, r accessRule, shared bool) (lock, error) {
	m, err := ipcsync.OpenOrCreateRWMutex(t.name, r.syncConfig())
	if err != nil {
		return nil, err
	}
	alone := exclusiveLock{m, m.Lock, m.TryLock}
	if shared {
		return sharedLock{exclusiveLock{m, m.RLock, m.TryRLock}, alone}, nil
	}
	return alone, nil
}

// sharedLock is an RWMutex for a reader.
type sharedLock struct {
	exclusiveLock
	alone lock
}

// readHeld is a lock that this process holds for reading. A reader can't have
// repaired anything.
type readHeld struct {
	held
	recovered bool
}

func (h readHeld) Recovered() bool       { return h.recovered }
func (h readHeld) MarkConsistent() error { return nil }

func (l sharedLock) take(ctx context.Context, try bool) (held, bool, error) {
	for recovered := false; ; {
		h, ok, err := l.exclusiveLock.take(ctx, try)
		if !errors.Is(err, breezeway.ErrOwnerDead) {
			return readHeld{h, recovered}, ok, err
		}
		// A writer died, and only a writer can let readers go on.
		w, ok, err := l.alone.take(ctx, try)
		if err != nil || !ok {
			return nil, ok, err
		}
		if w.Recovered() {
			recovered = true
			err = w.MarkConsistent()
		}
		if err = errors.Join(err, w.Unlock()); err != nil {
			return nil, false, err
		}
	}
}
