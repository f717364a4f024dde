package worker

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// startSilently has a call start the process of a key, which doesn't greet, and returns
// where the call's error comes.
func startSilently(t *testing.T, key *Key) <-chan error {
	t.Helper()
	t.Setenv(silentVariable, "1")
	called := make(chan error, 1)
	go func() {
		_, err := double.Call(context.Background(), key, 1)
		called <- err
	}()
	key.pool.mu.Lock()
	defer key.pool.mu.Unlock()
	for key.pool.alive < 2 {
		key.pool.mu.Unlock()
		time.Sleep(time.Millisecond) // no event says that a process was started
		key.pool.mu.Lock()
	}
	return called
}

// A key that is closed while its process starts ends that process, before Close returns.
func TestKeyClosedWhileItsProcessStarts(t *testing.T) {
	pool := newPool(t, quiet(1))
	key := pool.Key("key")
	called := startSilently(t, key)
	start := time.Now()
	key.Close()
	pool.mu.Lock()
	alive := pool.alive
	pool.mu.Unlock()
	if alive != 1 {
		t.Errorf("%d processes after Close, want the worker of the pool alone", alive)
	}
	if err := <-called; !errors.Is(err, os.ErrClosed) {
		t.Errorf("the call: %v", err)
	}
	ipctest.WantSince(t, start, startPatience/2)
}

// A pool that is closed while the process of a key starts doesn't wait for its greeting.
func TestPoolClosedWhileAKeyStarts(t *testing.T) {
	pool := newPool(t, quiet(1))
	called := startSilently(t, pool.Key("key"))
	start := time.Now()
	pool.Close()
	if err := <-called; !errors.Is(err, os.ErrClosed) {
		t.Errorf("the call: %v", err)
	}
	ipctest.WantSince(t, start, startPatience/2)
}

// A call that waits for its turn ends with its key.
func TestKeyClosedWhileACallWaits(t *testing.T) {
	cfg := quiet(1)
	cfg.Grace = ipctest.Patience
	pool := newPool(t, cfg)
	key := pool.Key("key")
	ctx, cancel := context.WithCancel(t.Context())
	cancelled := make(chan struct{})
	go func() {
		defer close(cancelled)
		die.Call(ctx, key, "hang")
	}()
	for len(pool.running()) == 0 {
		time.Sleep(time.Millisecond) // no event says that a function runs
	}
	cancel()
	<-cancelled // its function goes on, for its grace
	called := make(chan error, 1)
	go func() {
		_, err := double.Call(context.Background(), key, 1)
		called <- err
	}()
	var p *process
	for _, p = range pool.processes() {
		if p.key != nil {
			break
		}
	}
	closed := make(chan struct{})
	go func() { defer close(closed); key.Close() }()
	select {
	case err := <-called:
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v", err)
		}
	case <-time.After(ipctest.Patience / 4):
		t.Error("it waits for the grace of another call")
	}
	p.kill(nil)
	<-closed
}

// The process of a key is no worker that calls of the pool could wait for.
func TestNoWorkerCanBeStartedBesideAKey(t *testing.T) {
	pool := newPool(t, quiet(1))
	mustCall(t, double, pool.Key("key"), 1)
	t.Setenv(bareVariable, "1")
	_, err := die.Call(t.Context(), pool, "exit")
	wantCrash(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	defer cancel()
	if _, err := double.Call(ctx, pool, 1); err == nil || !strings.Contains(err.Error(), "no worker can be started") {
		t.Error(err)
	}
}

// A Crash of a key's process counts, and the end of the key does not.
func TestStatsCountCrashesOfKeys(t *testing.T) {
	out := &lines{found: make(chan struct{}), want: "a worker died"}
	cfg := quiet(1)
	cfg.Logger = slog.New(slog.NewTextHandler(out, nil))
	pool := newPool(t, cfg)
	for n := range 3 {
		key := pool.Key("key")
		mustCall(t, double, key, 1)
		_, err := die.Call(t.Context(), key, "exit")
		wantCrash(t, err)
		mustCall(t, double, key, 1)
		key.Close()
		if got := pool.Stats().Crashes; got != int64(n+1) {
			t.Errorf("%d crashes, want %d", got, n+1)
		}
	}
	select {
	case <-out.found:
	default:
		t.Error("the logger was not told")
	}
}

// Calls of a key say nothing of the pool's workers, whose restarts wait the longer.
func TestKeyDoesNotResetTheBackoff(t *testing.T) {
	pool := newPool(t, quiet(1))
	key := pool.Key("key")
	for n := range calmFailures + 2 {
		_, err := die.Call(t.Context(), pool, "exit")
		wantCrash(t, err)
		mustCall(t, double, key, 1)
		pool.mu.Lock()
		failures := pool.failures
		pool.mu.Unlock()
		if failures != n+1 {
			t.Errorf("%d failures are known of, want %d", failures, n+1)
		}
	}
}

// What the process of a key kept is lost with it, which a Map says, too.
func TestMapOnAKeySaysThatItDied(t *testing.T) {
	pool := newPool(t, quiet(1))
	key := pool.Key("key")
	before := mustCall(t, pid, key, struct{ _ byte }{})
	n, crashes := 0, 0
	for got, err := range square.Map(t.Context(), key, upTo(200_000)) {
		switch {
		case err == nil && got != n*n:
			t.Fatalf("%d: %d", n, got)
		case err != nil:
			wantCrash(t, err)
			crashes++
		}
		if n++; n == 50_000 {
			for _, p := range pool.processes() {
				if p.pid == before {
					p.cmd.Process.Kill()
					<-p.exited
				}
			}
		}
	}
	if n != 200_000 || crashes != 1 {
		t.Errorf("%d results, %d of them a Crash, want 1", n, crashes)
	}
}
