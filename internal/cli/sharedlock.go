package cli

import (
	"context"
	"errors"

	"github.com/breezeway-ipc/breezeway"
)

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
