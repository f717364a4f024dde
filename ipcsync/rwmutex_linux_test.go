package ipcsync

import (
	"context"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
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

func TestRWMutexRemoved(t *testing.T) {
	m := newTestRWMutex(t, nil)
	h := mustTake(t, m.RLock)
	pending := acquiring(t, m.Lock)
	awaitWaiters(t, m, 1)
	reading := acquiring(t, m.RLock)
	awaitWaiters(t, m, 2)
	if err := Remove(KindRWMutex, m.Name(), nil); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	wantError(t, (<-pending).err, breezeway.ErrRemoved)
	// The writer who gave up let readers in, if they didn't learn it first.
	if o := <-reading; o.err == nil {
		mustUnlock(t, o.Held)
	} else {
		wantError(t, o.err, breezeway.ErrRemoved)
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("it took %v", d)
	}
	mustUnlock(t, h)

	w := mustTake(t, m.Lock)
	reading, writing := acquiring(t, m.RLock), acquiring(t, m.Lock)
	start = time.Now()
	wantError(t, (<-reading).err, breezeway.ErrRemoved)
	wantError(t, (<-writing).err, breezeway.ErrRemoved)
	if d := time.Since(start); d > time.Second {
		t.Errorf("it took %v", d)
	}
	mustUnlock(t, w)
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
	wantError(t, (<-writing).err, io.ErrUnexpectedEOF)
	wantError(t, (<-reading).err, io.ErrUnexpectedEOF)
	wantError(t, r.Unlock(), io.ErrUnexpectedEOF)
	_, _, err := m.TryLock()
	wantError(t, err, io.ErrUnexpectedEOF)
	_, _, err = m.TryRLock()
	wantError(t, err, io.ErrUnexpectedEOF)
}

// Who is stopped is not dead.
func TestRWMutexOfTheStopped(t *testing.T) {
	for what, answer := range map[string]string{"lock": "locked false", "read": "reading"} {
		t.Run(what, func(t *testing.T) {
			m := newTestRWMutex(t, nil)
			p := ipctest.Start(t, rwUser, m.Name())
			tell(t, p, what, answer)
			p.Process.Signal(syscall.SIGSTOP)
			writing := acquiring(t, m.Lock)
			select {
			case <-writing:
				t.Error("it was taken away from one who is alive")
			case <-time.After(500 * time.Millisecond):
			}
			p.Process.Signal(syscall.SIGCONT)
			tell(t, p, "unlock", "done")
			mustUnlock(t, wantHeld(t, <-writing, false))
			end(t, p)
		})
	}
}
