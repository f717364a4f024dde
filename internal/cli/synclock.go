package cli

import (
	"context"

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

func openMutex(t target, r accessRule, _ bool) (lock, error) {
	m, err := ipcsync.OpenOrCreateMutex(t.name, r.syncConfig())
	if err != nil {
		return nil, err
	}
	return openedLock{m, m.Lock, m.TryLock}, nil
}

func openRWMutex(t target, r accessRule, shared bool) (lock, error) {
	m, err := ipcsync.OpenOrCreateRWMutex(t.name, r.syncConfig())
	if err != nil {
		return nil, err
	}
	if shared {
		return openedLock{m, m.RLock, m.TryRLock}, nil
	}
	return openedLock{m, m.Lock, m.TryLock}, nil
}
