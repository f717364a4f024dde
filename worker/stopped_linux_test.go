package worker

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// A call that is cancelled while its input is on the way doesn't cost the worker.
func TestCancelWhileTheInputIsSent(t *testing.T) {
	pool := newPool(t, quiet(1))
	key := pool.Key("state")
	before := mustCall(t, pid, key, struct{ _ byte }{})
	goOn := ipctest.Stop(t, before)
	defer goOn()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := echo.Call(ctx, key, everything{Bytes: make([]byte, 8<<20)})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	goOn()
	if after := mustCall(t, pid, key, struct{ _ byte }{}); after != before {
		t.Errorf("the worker was replaced, %d by %d", before, after)
	}
}

// A worker that reads no commands keeps no caller waiting, and is killed after the grace.
func TestCommandsToAStoppedWorker(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1, Grace: 50 * time.Millisecond})
	newBuffer(t, pool, 1)
	ipctest.Stop(t, mustCall(t, pid, pool, struct{ _ byte }{})) // and the pool kills it
	within(t, "closing buffers", func() {
		for range 10_000 {
			b, err := pool.Buffer(1)
			if err != nil {
				t.Error(err)
				return
			}
			b.Close()
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := double.Call(ctx, pool, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if got := mustCall(t, double, pool, 2); got != 4 {
		t.Errorf("%d", got)
	}
}

// A call whose worker dies before it has read it goes to another one, whether its function
// may be called twice or not.
func TestWorkerDiesBeforeItTakesTheCall(t *testing.T) {
	pool := newPool(t, quiet(1))
	for range 20 {
		worker := mustCall(t, pid, pool, struct{ _ byte }{})
		ipctest.Stop(t, worker)
		time.AfterFunc(5*time.Millisecond, func() { syscall.Kill(worker, syscall.SIGKILL) })
		got := mustCall(t, double, pool, 21)
		if got != 42 {
			t.Fatalf("%d", got)
		}
	}
}

// A call that its worker has read is not given to another one.
func TestWorkerDiesWithTheCall(t *testing.T) {
	pool := newPool(t, quiet(1))
	for range 3 {
		_, err := die.Call(t.Context(), pool, "kill")
		wantCrash(t, err)
	}
}

// A call that has begun before Shutdown goes to another worker, too, if its own dies before
// it has read it.
func TestShutdownWaitsForACallThatWasNotTaken(t *testing.T) {
	pool := newPool(t, quiet(1))
	worker := mustCall(t, pid, pool, struct{ _ byte }{})
	ipctest.Stop(t, worker)
	wantResultInShutdown(t, pool, double, 21, worker, func() bool { return len(pool.running()) > 0 })
}
