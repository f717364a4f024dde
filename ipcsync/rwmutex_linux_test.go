package ipcsync

import (
	"context"
	"io"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestRWMutexAllocatesNothing(t *testing.T) {
	m := newTestRWMutex(t, nil)
	for name, take := range map[string]func(context.Context) (Held, error){"Lock": m.Lock, "RLock": m.RLock} {
		if n := testing.AllocsPerRun(100, func() {
			h, err := take(context.Background())
			if err == nil {
				err = h.Unlock()
			}
			if err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// Bytes that another process takes away are an error, and no crash.
func TestRWMutexTruncated(t *testing.T) {
	m := newTestRWMutex(t, &Config{Mode: 0o666})
	r := mustTake(t, m.RLock)
	mustUnlock(t, r)
	r = mustTake(t, m.RLock)
	writing := acquiring(t, m.Lock)
	awaitWaiters(t, m, 1)
	reading := acquiring(t, m.RLock)
	awaitWaiters(t, m, 2)
	if err := m.lock.File().Truncate(0); err != nil {
		t.Fatal(err)
	}
	ipctest.WantError(t, (<-writing).err, io.ErrUnexpectedEOF)
	ipctest.WantError(t, (<-reading).err, io.ErrUnexpectedEOF)
	ipctest.WantError(t, r.Unlock(), io.ErrUnexpectedEOF)
	_, _, err := m.TryLock()
	ipctest.WantError(t, err, io.ErrUnexpectedEOF)
	_, _, err = m.TryRLock()
	ipctest.WantError(t, err, io.ErrUnexpectedEOF)
}
