package cli

import (
	"context"
	"fmt"
	"runtime"

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

func openMutex(l *locker, r accessRule) (lock, error) {
	m, err := ipcsync.OpenOrCreateMutex(l.target.name, r.syncConfig())
	if err != nil {
		return nil, err
	}
	return openedLock{m, m.Lock, m.TryLock}, nil
}

func openRWMutex(l *locker, r accessRule) (lock, error) {
	m, err := ipcsync.OpenOrCreateRWMutex(l.target.name, r.syncConfig())
	if err != nil {
		return nil, err
	}
	if l.shared {
		return openedLock{m, m.RLock, m.TryRLock}, nil
	}
	return openedLock{m, m.Lock, m.TryLock}, nil
}

// openFileLock opens a file as a lock. Its holders are not known.
func openFileLock(l *locker, r accessRule) (lock, error) {
	path, err := resolveOrLocate(l.target.path())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.target, err)
	}
	f, err := ipcsync.OpenFileLock(path, &ipcsync.Config{Mode: r.mode, Allow: r.allow, Flock: !l.fcntl && runtime.GOOS != "windows"})
	if err != nil {
		return nil, err
	}
	if l.shared {
		return openedLock{f, f.RLock, f.TryRLock}, nil
	}
	return openedLock{f, f.Lock, f.TryLock}, nil
}
