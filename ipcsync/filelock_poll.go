package ipcsync

import (
	"context"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// filePollInterval is how often a FileLock is tried where the system has no wait
// that can be cancelled.
const filePollInterval = 10 * time.Millisecond

// poll waits for the lock as sleep does, without the system's help.
func (l *FileLock) poll(ctx context.Context, lock *sys.RangeLock) error {
	tick := time.NewTicker(filePollInterval)
	defer tick.Stop()
	for nextLook := time.Now().Add(lookInterval); ; {
		if ok, err := lock.Try(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-l.done:
			return os.ErrClosed
		case now := <-tick.C:
			if now.Before(nextLook) {
				continue
			}
			nextLook = now.Add(lookInterval)
			if err := l.lookAtPath(); err != nil {
				return err
			}
		}
	}
}
