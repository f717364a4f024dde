package ipcsync

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// What is free is taken even if the context is done, and what is not free fails with its
// cause: one rule for all that can be taken.
func TestTakenWithADoneContext(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	lock := func(lock func(context.Context) (Held, error)) func() error {
		return func() error {
			_, err := lock(ctx)
			return err
		}
	}
	type kind struct {
		free, again func() error
	}
	mutex, written, read := newTestMutex(t, nil), newTestRWMutex(t, nil), newTestRWMutex(t, nil)
	semaphore, tracked := newTestSemaphore(t, 1, nil), newTestSemaphore(t, 1, tracking)
	event, name := newTestEvent(t, nil), ipctest.UniqueName()
	mustSet(t, event)
	kinds := map[string]kind{
		"mutex":             {lock(mutex.Lock), lock(mutex.Lock)},
		"rwmutex":           {lock(written.Lock), lock(written.Lock)},
		"rwmutex to read":   {lock(read.RLock), lock(read.Lock)},
		"semaphore":         {func() error { return semaphore.Acquire(ctx) }, func() error { return semaphore.Acquire(ctx) }},
		"tracked semaphore": {func() error { return tracked.Acquire(ctx) }, func() error { return tracked.Acquire(ctx) }},
		"event":             {func() error { return event.Wait(ctx) }, func() error { return event.Wait(ctx) }},
	}
	lead := func() error {
		l, err := Lead(ctx, name, nil)
		if err == nil {
			t.Cleanup(func() {
				l.Resign()
				removeIfThere(t, KindLeader, name)
			})
		}
		return err
	}
	kinds["lead"] = kind{lead, lead}
	any := newTestMutex(t, nil)
	waitAny := func() error {
		_, _, err := WaitAny(ctx, any)
		return err
	}
	kinds["WaitAny"] = kind{waitAny, waitAny}
	for sort, flock := range map[string]bool{"file lock": false, "flock": true} {
		if flock && !sys.HasFlock {
			continue
		}
		path := filepath.Join(t.TempDir(), "lock")
		first, second := openTestFileLock(t, path, flock), openTestFileLock(t, path, flock)
		kinds[sort] = kind{lock(first.Lock), lock(second.Lock)}
		shared := filepath.Join(t.TempDir(), "lock")
		first, second = openTestFileLock(t, shared, flock), openTestFileLock(t, shared, flock)
		kinds[sort+" to read"] = kind{lock(first.RLock), lock(second.Lock)}
	}
	for what, k := range kinds {
		if err := k.free(); err != nil {
			t.Errorf("%s: it is free, and %v", what, err)
		}
		if err := k.again(); !errors.Is(err, cause) {
			t.Errorf("%s: it is not free, and %v", what, err)
		}
	}
}

func openTestFileLock(t *testing.T, path string, flock bool) *FileLock {
	t.Helper()
	l, err := OpenFileLock(path, &Config{Flock: flock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}
