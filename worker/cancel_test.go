package worker

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// lateContext ends when it is asked for the second time: after the call was given its
// worker, and before it is sent.
type lateContext struct {
	context.Context
	asked int
}

func (c *lateContext) Err() error {
	if c.asked++; c.asked > 1 {
		return context.Canceled
	}
	return nil
}

// Done never comes: the call may find out by Err alone.
func (c *lateContext) Done() <-chan struct{} { return make(chan struct{}) }

// A call that is cancelled before it is sent leaves nothing that the next call stumbles
// over.
func TestCancelBeforeTheCallIsSent(t *testing.T) {
	pool := newPool(t, quiet(1))
	before := mustCall(t, pid, pool, struct{ _ byte }{})
	if _, err := double.Call(&lateContext{Context: t.Context()}, pool, 1); err == nil {
		t.Error("a call whose context had ended has a result")
	}
	if after := mustCall(t, pid, pool, struct{ _ byte }{}); after != before {
		t.Errorf("the worker was replaced, %d by %d", before, after)
	}
}

// tidy takes its time to clean up after it was cancelled.
var tidy = Define("tidy", func(ctx context.Context, d time.Duration) (int, error) {
	println(begun)
	<-ctx.Done()
	time.Sleep(d) // what it simulates is work that has to be done
	println("tidied up")
	return 0, nil
})

// Close leaves a function its grace whose call was cancelled before.
func TestCloseAfterCancelLeavesTheGrace(t *testing.T) {
	cfg := &Config{Workers: 1, Grace: ipctest.Patience}
	ctx := onceBegun(t, cfg)
	tidied := &lines{found: make(chan struct{}), want: "tidied up"}
	cfg.Stderr = io.MultiWriter(cfg.Stderr, tidied)
	pool := newPool(t, cfg)
	if _, err := tidy.Call(ctx, pool, 100*time.Millisecond); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	pool.Close()
	select {
	case <-tidied.found:
	default:
		t.Error("the function was killed before its grace was over")
	}
}
