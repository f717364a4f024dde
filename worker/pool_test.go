package worker

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/google/go-cmp/cmp"
)

func TestCall(t *testing.T) {
	pool := newPool(t, &Config{Workers: 2})
	for n := range 100 {
		if got := mustCall(t, double, pool, n); got != 2*n {
			t.Fatalf("2 * %d is %d", n, got)
		}
	}
	if got := mustCall(t, pid, pool, struct{ _ byte }{}); got == os.Getpid() || got == 0 {
		t.Errorf("it ran in process %d, this one is %d", got, os.Getpid())
	}
}

func TestValuesCrossUnchanged(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	for _, want := range []everything{
		{},
		{
			Bool: true, Number: -7, Float: 0.5, Text: "text", Bytes: []byte{}, Numbers: []int32{1, -2}, Texts: []string{"", "two"},
			Array: [2]string{"a", "b"}, Map: map[string][]int{"": nil, "x": {}, "y": {3}}, Pointer: &everything{Text: "inner"},
			Time: time.Date(2026, 11, 22, 1, 2, 3, 4, time.UTC), Err: os.ErrNotExist, hidden: "not exported",
		},
		{Bytes: make([]byte, 300<<10), Text: strings.Repeat("x", 1<<20)}, // more than the connection holds
	} {
		got := mustCall(t, echo, pool, want)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(everything{}), cmp.Comparer(bytes.Equal), cmp.Comparer(func(a, b error) bool { return a == b })); diff != "" {
			t.Errorf("(-want +got):\n%.2000s", diff)
		}
	}
}

func TestCrash(t *testing.T) {
	pool := newPool(t, quiet(1))
	for how, want := range map[string]string{"panic": "worker.explode", "exit": "the last words", "kill": ""} {
		_, err := die.Call(t.Context(), pool, how)
		crash := wantCrash(t, err)
		if crash.PID == 0 || crash.State == nil || crash.Func != "die" || !strings.Contains(crash.Stderr, want) {
			t.Errorf("%s: %+v, want %q in its Stderr", how, crash, want)
		}
		if how == "exit" && crash.State.ExitCode() != 3 {
			t.Errorf("%v, want exit code 3", crash.State)
		}
		if got := mustCall(t, double, pool, 21); got != 42 {
			t.Errorf("after %s: %d", how, got)
		}
	}
}

func TestGoexit(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	before := mustCall(t, pid, pool, struct{ _ byte }{})
	if _, err := die.Call(t.Context(), pool, "goexit"); !errors.Is(err, errGoexit) {
		t.Errorf("%v", err)
	}
	if after := mustCall(t, pid, pool, struct{ _ byte }{}); after != before {
		t.Errorf("the worker was replaced, %d by %d", before, after)
	}
}

func TestCancelReachesTheFunction(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	before := mustCall(t, pid, pool, struct{ _ byte }{})
	ctx, cancel := context.WithCancelCause(t.Context())
	because := errors.New("because")
	time.AfterFunc(5*time.Millisecond, func() { cancel(because) })
	if _, err := die.Call(ctx, pool, "wait"); !errors.Is(err, because) {
		t.Errorf("%v, want the cause", err)
	}
	if after := mustCall(t, pid, pool, struct{ _ byte }{}); after != before {
		t.Errorf("the worker was replaced, %d by %d", before, after)
	}
}

func TestGraceEnds(t *testing.T) {
	for _, how := range []string{"hang", "spin"} {
		cfg := &Config{Workers: 1, Grace: 20 * time.Millisecond}
		ctx := onceBegun(t, cfg)
		pool := newPool(t, cfg)
		before := mustCall(t, pid, pool, struct{ _ byte }{})
		if _, err := die.Call(ctx, pool, how); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", how, err)
		}
		if after := mustCall(t, pid, pool, struct{ _ byte }{}); after == before {
			t.Errorf("%s: process %d was not replaced", how, before)
		}
	}
}

// forgetful is a program whose main doesn't call Main.
var forgetful = ipctest.Helper("forgetful", func(c *ipctest.Control) error {
	mainCalled.Store(false)
	_, err := Start(context.Background(), nil)
	c.Say("%t %v", errors.Is(err, os.ErrInvalid), err)
	return nil
})

func TestMainIsMissed(t *testing.T) {
	if got := ipctest.Start(t, forgetful).Hear(); !strings.HasPrefix(got, "true worker start: worker.Main was not called") {
		t.Error(got)
	}
}

// boss has a pool, says its workers' processes and waits for its end.
var boss = ipctest.Helper("boss", func(c *ipctest.Control) error {
	pool, err := Start(context.Background(), &Config{Workers: 2})
	if err != nil {
		return err
	}
	go die.Call(context.Background(), pool, "hang")
	p, err := pid.Call(context.Background(), pool, struct{ _ byte }{})
	if err != nil {
		return err
	}
	c.Say("%d", p)
	for _, p := range pool.processes() {
		c.Say("%d", p.pid)
	}
	select {}
})

func TestParentKilled(t *testing.T) {
	p := ipctest.Start(t, boss)
	pids := []string{p.Hear(), p.Hear(), p.Hear()}
	start := time.Now()
	p.Kill()
	for _, pid := range pids {
		for isRunning(t, pid) {
			if time.Since(start) > ipctest.Patience {
				t.Fatalf("worker %s outlives its parent", pid)
			}
		}
	}
	ipctest.WantSince(t, start, time.Second)
}

// isRunning reports whether a process is there and no zombie.
func isRunning(t *testing.T, pid string) bool {
	t.Helper()
	if _, err := os.Stat("/proc/self"); err == nil {
		text, err := os.ReadFile("/proc/" + pid + "/stat")
		return err == nil && !strings.Contains(string(text), ") Z ")
	}
	out, err := exec.Command("tasklist", "/fi", "pid eq "+pid).Output()
	return err == nil && slices.Contains(strings.Fields(string(out)), pid) // not as a part of another number
}
