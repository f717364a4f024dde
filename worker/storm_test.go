package worker

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// Every call ends once, with its result or a Crash, while workers are killed at random.
func TestCallsWhileWorkersAreKilled(t *testing.T) {
	pool := newPool(t, quiet(3))
	calls := ipctest.Count(100_000)
	ctx, cancel := context.WithTimeout(t.Context(), 5*ipctest.Patience)
	defer cancel()
	var next, results, crashes atomic.Int64
	var callers, killers sync.WaitGroup
	over := make(chan struct{})
	for range 8 {
		callers.Go(func() {
			for {
				n := int(next.Add(1))
				if n > calls {
					return
				}
				switch got, err := double.Call(ctx, pool, n); {
				case err == nil && got == 2*n:
					results.Add(1)
				case err == nil:
					t.Errorf("2 * %d is %d", n, got)
				default:
					var crash *Crash
					if !errors.As(err, &crash) || crash.PID == 0 || crash.State == nil || crash.State.Success() {
						t.Errorf("%d: %v", n, err)
					}
					crashes.Add(1)
				}
			}
		})
	}
	killed := 0
	killers.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(time.Duration(rand.IntN(10)) * time.Millisecond):
			}
			if all := pool.processes(); len(all) > 0 {
				all[rand.IntN(len(all))].cmd.Process.Kill()
				killed++
			}
		}
	})
	callers.Wait()
	close(over)
	killers.Wait()
	if results.Load()+crashes.Load() != int64(calls) {
		t.Errorf("%d results and %d crashes of %d calls", results.Load(), crashes.Load(), calls)
	}
	t.Logf("%d calls, %d crashes, %d workers killed", calls, crashes.Load(), killed)
}

// A function that is not idempotent is never called twice for a call, also if another
// worker gets it because the first one died: each call leaves its mark in a buffer.
func TestNoCallRunsTwice(t *testing.T) {
	pool := newPool(t, quiet(2))
	calls := ipctest.Count(20_000)
	buffer := newBuffer(t, pool, calls)
	ctx, cancel := context.WithTimeout(t.Context(), 5*ipctest.Patience)
	defer cancel()
	results := make([]error, calls)
	var next atomic.Int64
	var callers, killers sync.WaitGroup
	over := make(chan struct{})
	for range 6 {
		callers.Go(func() {
			for n := int(next.Add(1)) - 1; n < calls; n = int(next.Add(1)) - 1 {
				_, results[n] = mark.Call(ctx, pool, spot{buffer, n})
			}
		})
	}
	killers.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(time.Duration(rand.IntN(4)) * time.Millisecond):
			}
			if all := pool.processes(); len(all) > 0 {
				all[rand.IntN(len(all))].cmd.Process.Kill()
			}
		}
	})
	callers.Wait()
	close(over)
	killers.Wait()
	crashes := 0
	for n, err := range results {
		got := buffer.Bytes()[n]
		switch {
		case err == nil && got == 1:
		case crashOf(err) != nil && got <= 1:
			crashes++
		default:
			t.Errorf("call %d ran %d times: %v", n, got, err)
		}
	}
	t.Logf("%d calls, %d crashes", calls, crashes)
}

// A call that no worker got is not counted.
func TestStatsCountAnswers(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	for range 3 {
		if _, err := double.Call(&lateContext{Context: t.Context()}, pool, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		mustCall(t, double, pool, 1)
		mustCall(t, double, pool.Key("key"), 1)
	}
	if got := pool.Stats().Calls; got != 6 {
		t.Errorf("%d calls were answered, want 6", got)
	}
}

func TestManyCallsOnFewWorkers(t *testing.T) {
	pool := newPool(t, &Config{Workers: 4})
	var callers sync.WaitGroup
	for n := range 1000 {
		callers.Go(func() {
			if got, err := double.Call(t.Context(), pool, n); err != nil || got != 2*n {
				t.Errorf("2 * %d is %d, %v", n, got, err)
			}
		})
	}
	callers.Wait()
}

// A cancelled call is over within 10 ms, and its function learns of it within that time.
func TestCancelIsQuick(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	var waits, hears []time.Duration
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		begun := make(chan time.Time, 1)
		time.AfterFunc(2*time.Millisecond, func() { begun <- time.Now(); cancel() })
		die.Call(ctx, pool, "wait")
		at := <-begun
		waits = append(waits, time.Since(at))
		mustCall(t, double, pool, 1) // when the function has returned
		hears = append(hears, time.Since(at))
	}
	ipctest.WantMedian(t, waits, 10*time.Millisecond)
	ipctest.WantMedian(t, hears, 10*time.Millisecond)
}

// An input that kills every worker it meets is tried as often as Retry says, and other
// calls get their results.
func TestDeadlyInputIsNotRetriedForEver(t *testing.T) {
	cfg := quiet(2)
	cfg.Retry = 2
	pool := newPool(t, cfg)
	var others sync.WaitGroup
	over := make(chan struct{})
	others.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-over:
				return
			default:
			}
			if got, err := square.Call(t.Context(), pool, n%1000); err != nil || got != n%1000*(n%1000) {
				t.Errorf("%d: %d, %v", n, got, err)
				return
			}
		}
	})
	_, err := picky.Call(t.Context(), pool, 666)
	wantCrash(t, err)
	close(over)
	others.Wait()
	if got := pool.Stats().Crashes; got != 3 {
		t.Errorf("%d workers died, want 3: one for each try", got)
	}
}

// It runs a process of its own: what one left open, others don't have.
func TestReplacedAfterMaxCalls(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1, MaxCalls: 3})
	pids := map[int]int{}
	for range 9 {
		pids[mustCall(t, pid, pool, struct{ _ byte }{})]++
	}
	if len(pids) != 3 {
		t.Errorf("calls by process: %v, want 3 each", pids)
	}
	if s := pool.Stats(); s.Crashes != 0 || s.Replaced < 2 {
		t.Errorf("%+v", s)
	}
}

func TestReplacedAboveMaxMemory(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1, MaxMemory: 100 << 20})
	before := mustCall(t, pid, pool, struct{ _ byte }{})
	if got := mustCall(t, hoard, pool, 300<<20); got != 300<<20 {
		t.Errorf("%d bytes", got)
	}
	if after := mustCall(t, pid, pool, struct{ _ byte }{}); after == before {
		t.Error("the process was not replaced")
	}
}

func TestMemoryLimit(t *testing.T) {
	if raceEnabled || ipctest.UnderWine() {
		t.Skip("the race detector takes more memory than the limit, and under Wine it doesn't end the allocation")
	}
	cfg := quiet(1)
	cfg.Limits.Memory = 400 << 20
	pool := newPool(t, cfg)
	mustCall(t, double, pool, 1)
	_, err := hoard.Call(t.Context(), pool, 1<<30)
	if crash := wantCrash(t, err); ipctest.UnderWine() {
		t.Logf("%v", crash)
	}
	mustCall(t, double, pool, 1)
}

func TestVandals(t *testing.T) {
	cfg := quiet(1)
	cfg.Retry = 0
	pool := newPool(t, cfg)
	if _, err := vandal.Call(t.Context(), pool, "garbage"); err != nil {
		t.Errorf("garbage on standard output: %v", err)
	}
	_, err := vandal.Call(t.Context(), pool, "descriptors")
	wantCrash(t, err)
	mustCall(t, double, pool, 1)
}

func TestTimeout(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1, Timeout: 20 * time.Millisecond, Grace: 20 * time.Millisecond})
	for _, how := range []string{"wait", "hang"} {
		if _, err := die.Call(t.Context(), pool, how); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", how, err)
		}
	}
	mustCall(t, double, pool, 1)
}

func TestKey(t *testing.T) {
	pool := newPool(t, quiet(1))
	key := pool.Key("tab-7")
	if pool.Key("tab-7") != key || pool.Key("tab-8") == key {
		t.Error("a name is not one key")
	}
	first := mustCall(t, pid, key, struct{ _ byte }{})
	for range 10 {
		mustCall(t, double, pool, 1)
		if got := mustCall(t, pid, key, struct{ _ byte }{}); got != first || got == mustCall(t, pid, pool, struct{ _ byte }{}) {
			t.Errorf("process %d, before %d", got, first)
		}
	}
	_, err := die.Call(t.Context(), key, "exit")
	wantCrash(t, err)
	second := mustCall(t, pid, key, struct{ _ byte }{})
	if second == first {
		t.Error("the process is the one that died")
	}
	// Between two calls: the next one says so.
	for _, p := range pool.processes() {
		if p.pid == second {
			p.cmd.Process.Kill()
			<-p.exited
		}
	}
	_, err = pid.Call(t.Context(), key, struct{ _ byte }{})
	if crash := wantCrash(t, err); crash.PID != second {
		t.Errorf("%v, want that of %d", crash, second)
	}
	mustCall(t, pid, key, struct{ _ byte }{})
	key.Close()
	if _, err := pid.Call(t.Context(), key, struct{ _ byte }{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if mustCall(t, pid, pool.Key("tab-7"), struct{ _ byte }{}) == 0 {
		t.Error("no fresh process")
	}
}

func TestKeyCallsRunOneAfterTheOther(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	key := pool.Key("counter")
	var callers sync.WaitGroup
	seen := make([]atomic.Bool, 201)
	for range 200 {
		callers.Go(func() {
			n, err := count.Call(t.Context(), key, 1)
			if err != nil || seen[n].Swap(true) {
				t.Errorf("%d, %v", n, err)
			}
		})
	}
	callers.Wait()
}

func TestShutdownDrains(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	var callers sync.WaitGroup
	begun := make(chan struct{}, 3)
	for range 3 {
		callers.Go(func() {
			begun <- struct{}{}
			if _, err := slow.Call(t.Context(), pool, 20*time.Millisecond); err != nil && !errors.Is(err, os.ErrClosed) {
				t.Error(err)
			}
		})
		<-begun
	}
	mustCall(t, slow, pool, time.Millisecond) // behind those that have begun
	if err := pool.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	callers.Wait()
	if _, err := double.Call(t.Context(), pool, 1); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Shutdown: %v", err)
	}
}

func TestShutdownIsCutShort(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	ended := make(chan error, 1)
	go func() {
		_, err := die.Call(context.Background(), pool, "wait")
		ended <- err
	}()
	for len(pool.running()) == 0 {
		time.Sleep(time.Millisecond) // no event says that a function runs
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := pool.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("the call: %v", err)
	}
}

// running returns the processes that run a function.
func (pool *Pool) running() (all []ProcessInfo) {
	for _, p := range pool.Processes() {
		if p.State == Running {
			all = append(all, p)
		}
	}
	return all
}

func TestCloseEndsCalls(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1, Grace: 50 * time.Millisecond})
	ended := make(chan error, 2)
	for range 2 { // one runs, one waits
		go func() {
			_, err := die.Call(context.Background(), pool, "hang")
			ended <- err
		}()
	}
	for len(pool.running()) == 0 {
		time.Sleep(time.Millisecond) // no event says that a function runs
	}
	pool.Close()
	for range 2 {
		if err := <-ended; !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v", err)
		}
	}
}
