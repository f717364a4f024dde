package worker

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"
)

// hold opens so many files at the same time.
var hold = Define("hold", func(_ context.Context, n int) (opened int, err error) {
	for ; opened < n; opened++ {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return opened, err
		}
		defer f.Close()
	}
	return opened, nil
})

func TestFilesLimit(t *testing.T) {
	cfg := quiet(1)
	cfg.Limits.Files = 50
	pool := newPool(t, cfg)
	mustCall(t, hold, pool, 20)
	var remote *RemoteError
	if n, err := hold.Call(t.Context(), pool, 100); !errors.As(err, &remote) {
		t.Errorf("it opened %d files: %v", n, err)
	}
	mustCall(t, hold, pool, 20)
}

func TestCPULimit(t *testing.T) {
	cfg := quiet(1)
	cfg.Limits.CPU = time.Second
	pool := newPool(t, cfg)
	mustCall(t, double, pool, 1)
	start := time.Now()
	_, err := die.Call(t.Context(), pool, "spin")
	crash := wantCrash(t, err)
	status, ok := crash.State.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || (status.Signal() != syscall.SIGKILL && status.Signal() != syscall.SIGXCPU) {
		t.Errorf("it ended with %v after %v, want by the system", crash.State, time.Since(start))
	}
	if used := crash.State.UserTime() + crash.State.SystemTime(); used > 3*time.Second {
		t.Errorf("it used %v", used)
	}
	mustCall(t, double, pool, 1)
}
