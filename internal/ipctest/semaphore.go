package ipctest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
)

// Semaphore is a semaphore as one process has it open.
type Semaphore interface {
	Acquire(context.Context) error
	TryAcquire() (bool, error)
	Release(n int) (previous int, err error)
	Value() (int, error)
	Max() int
	Close() error
}

// Semaphores is a sort of semaphores, for [TestSemaphore].
type Semaphores struct {
	// Make makes a semaphore with value permits, of at most limit, for one test,
	// and returns the arguments with which Open opens it. The factory removes
	// what there is when the test is over.
	Make func(t *testing.T, value, limit int) (args []string)
	Open func(args []string) (Semaphore, error)
	// Process is what SemaphoreHelper returned for Open.
	Process string

	// Remove takes the semaphore's name away. It is nil for one without a name,
	// and where one that is open can't be removed.
	Remove func(args []string) error
	// Lacks are the names of the tests of what the semaphore doesn't promise, or
	// another sort shows as well.
	Lacks []string
	// Tracks says that the permits of a dead process are given back, and that
	// only what was acquired can be released.
	Tracks bool
}

// SemaphoreHelper registers the helper that is the other process in
// [TestSemaphore].
func SemaphoreHelper(name string, open func(args []string) (Semaphore, error)) string {
	return Helper(name, func(c *Control) error {
		s, err := open(c.Args)
		if err != nil {
			return err
		}
		c.AtEnd(func() { s.Close() })
		for {
			if err := obeySemaphoreTest(c, s, strings.Fields(c.Hear())); err != nil {
				return err
			}
		}
	})
}

// obeySemaphoreTest does what a test tells a helper.
func obeySemaphoreTest(c *Control, s Semaphore, command []string) error {
	n, err := strconv.Atoi(command[1])
	if err != nil {
		return err
	}
	switch command[0] {
	case "acquire":
		for range n {
			if err := s.Acquire(context.Background()); err != nil {
				return err
			}
		}
		c.Say("acquired")
	case "release":
		previous, err := s.Release(n)
		c.Say("released beside %d, %v", previous, err)
	case "wait": // in n goroutines
		for range n {
			go acquireAndSay(c, s)
		}
		if err := AwaitAsleep("ipctest.acquireAndSay", n); err != nil {
			return err
		}
		c.Say("waiting")
	case "storm":
		err = acquireInStorm(s, n)
		c.Say("calm")
	case "count":
		err = countWithPermit(s, strings.Join(command[2:], " "), n)
		c.Say("counted")
	}
	return err
}

func acquireAndSay(c *Control, s Semaphore) {
	err := s.Acquire(context.Background())
	c.Say("through: %v", err)
}

func countWithPermit(s Semaphore, path string, n int) error {
	return countInTurns(path, n, func(turn func() error) error {
		if err := s.Acquire(context.Background()); err != nil {
			return err
		}
		if err := turn(); err != nil {
			return err
		}
		_, err := s.Release(1)
		return err
	})
}

// acquireInStorm acquires and releases in several goroutines, until n waits were
// cancelled at any moment.
func acquireInStorm(s Semaphore, n int) error {
	const goroutines = 8
	var cancelled atomic.Int64
	ended := make(chan error, goroutines)
	for range goroutines {
		go func() {
			var err error
			for err == nil && cancelled.Load() < int64(n) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(300))*time.Microsecond)
				if err = s.Acquire(ctx); err == nil {
					time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond) // so that others wait
					_, err = s.Release(1)
				} else if errors.Is(err, context.DeadlineExceeded) {
					cancelled.Add(1)
					err = nil
				}
				cancel()
			}
			ended <- err
		}()
	}
	var err error
	for range goroutines {
		err = errors.Join(err, <-ended)
	}
	return err
}

// semaphoreTest is one test of a sort of semaphores.
type semaphoreTest struct {
	*testing.T
	Semaphores
	args []string
	s    Semaphore // open in this process
}

// TestSemaphore checks what all semaphores promise.
func TestSemaphore(t *testing.T, semaphores Semaphores) {
	for _, test := range []struct {
		name         string
		value, limit int
		run          func(*semaphoreTest)
	}{
		{"counts permits", 2, 3, semaphoreCounts},
		{"refuses wrong numbers", 1, 3, semaphoreRefusesNumbers},
		{"passes from process to process", 1, 1, semaphorePasses},
		{"excludes with one permit", 1, 1, semaphoreExcludes},
		{"wakes many", 13, 13, semaphoreWakesMany},
		{"cancelled", 2, 2, semaphoreIsCancelled},
		{"cancelled at any moment", 3, 3, semaphoreIsCancelledAtAnyMoment},
		{"closed", 1, 1, semaphoreIsClosed},
		{"closed during calls", 2, 2, semaphoreIsClosedDuringCalls},
		{"waiter killed", 1, 1, semaphoreWaiterIsKilled},
		{"holder killed", 3, 3, semaphoreHolderIsKilled},
		{"stopped processes", 2, 2, semaphoreProcessesAreStopped},
		{"removed", 1, 1, semaphoreIsRemoved},
	} {
		if slices.Contains(semaphores.Lacks, test.name) {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			s := &semaphoreTest{T: t, Semaphores: semaphores}
			s.args = semaphores.Make(t, test.value, test.limit)
			s.s = s.open()
			test.run(s)
		})
	}
}

func (t *semaphoreTest) open() Semaphore {
	t.Helper()
	s, err := t.Open(t.args)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error("Close: ", err)
		}
	})
	return s
}

func (t *semaphoreTest) start() *Process { return Start(t, t.Process, t.args...) }

func (t *semaphoreTest) mustAcquire(s Semaphore, n int) {
	t.Helper()
	for range n {
		if err := s.Acquire(soon(t)); err != nil {
			t.Fatal(err)
		}
	}
}

func (t *semaphoreTest) mustRelease(s Semaphore, n, previous int) {
	t.Helper()
	if got, err := s.Release(n); got != previous || err != nil {
		t.Errorf("released beside %d, want %d; %v", got, previous, err)
	}
}

func (t *semaphoreTest) wantTry(s Semaphore, want bool) {
	t.Helper()
	if ok, err := s.TryAcquire(); ok != want || err != nil {
		t.Errorf("TryAcquire says %v, %v, want %v", ok, err, want)
	}
}

func (t *semaphoreTest) wantValue(want int) {
	t.Helper()
	if n, err := t.s.Value(); n != want || err != nil {
		t.Errorf("%d permits, want %d; %v", n, want, err)
	}
}

func acquireInBackground(ctx context.Context, s Semaphore, ended chan<- error) {
	ended <- s.Acquire(ctx)
}

// wait has n goroutines wait for a permit, of so many that then wait in all.
func (t *semaphoreTest) wait(ctx context.Context, s Semaphore, n, all int) <-chan error {
	t.Helper()
	ended := make(chan error, n)
	for range n {
		go acquireInBackground(ctx, s, ended)
	}
	if err := AwaitAsleep("ipctest.acquireInBackground", all); err != nil {
		t.Fatal(err)
	}
	return ended
}

func semaphoreCounts(t *semaphoreTest) {
	p := t.start()
	ask(p, "acquire 1", "acquired")
	t.wantValue(1)
	if err := t.s.Acquire(withDone()); err != nil {
		t.Error("there is a permit, but the context done: ", err)
	}
	t.wantValue(0)
	start := time.Now()
	for range 10 {
		t.wantTry(t.s, false)
	}
	WantSince(t, start, 100*time.Millisecond) // TryAcquire doesn't wait
	ask(p, "release 1", "released beside 0, <nil>")
	t.wantTry(t.s, true)
	t.mustRelease(t.s, 1, 0)
	t.mustRelease(t.s, 1, 1)
	t.wantValue(2)
	if t.s.Max() != 3 {
		t.Errorf("Max is %d, want 3", t.s.Max())
	}
}

func semaphoreRefusesNumbers(t *semaphoreTest) {
	for _, n := range []int{0, -1} {
		_, err := t.s.Release(n)
		WantError(t, err, os.ErrInvalid)
	}
	tooMany := breezeway.ErrTooLarge
	if t.Tracks {
		tooMany = os.ErrInvalid // nothing was acquired
	}
	_, err := t.s.Release(3)
	WantError(t, err, tooMany)
	t.wantValue(1)
}

func semaphorePasses(t *semaphoreTest) {
	p := t.start()
	for range Count(200) {
		t.mustAcquire(t.s, 1)
		ask(p, "wait 1", "waiting")
		t.mustRelease(t.s, 1, 0)
		p.Expect("through: <nil>")
		ended := t.wait(context.Background(), t.s, 1, 1)
		ask(p, "release 1", "released beside 0, <nil>")
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		t.mustRelease(t.s, 1, 0)
	}
}

func semaphoreExcludes(t *semaphoreTest) {
	path, n := newTally(t), Count(20_000)
	p := t.start()
	p.Say(fmt.Sprintf("count %d %s", n, path))
	if err := countWithPermit(t.s, path, n); err != nil {
		t.Error(err)
	}
	p.Expect("counted")
	wantTally(t, path, 4*n)
	t.wantValue(1)
}

func semaphoreWakesMany(t *semaphoreTest) {
	t.mustAcquire(t.s, 13)
	processes := []*Process{t.start(), t.start(), t.start()}
	for _, p := range processes {
		ask(p, "wait 4", "waiting")
	}
	t.mustRelease(t.s, 13, 0)
	for _, p := range processes {
		for range 4 {
			p.Expect("through: <nil>")
		}
	}
	t.wantValue(1)
}

func semaphoreIsCancelled(t *semaphoreTest) {
	t.mustAcquire(t.s, 2)
	p := t.start()
	ask(p, "wait 1", "waiting")
	here := t.wait(context.Background(), t.s, 1, 1)
	wantPromptCancel(t, func(ctx context.Context) <-chan error { return t.wait(ctx, t.s, 1, 2) })
	if err := AwaitAsleep("ipctest.acquireInBackground", 1); err != nil {
		t.Error("the other waiter was disturbed: ", err)
	}
	t.mustRelease(t.s, 2, 0)
	p.Expect("through: <nil>")
	if err := <-here; err != nil {
		t.Error(err)
	}
	t.wantValue(0)
}

func semaphoreIsCancelledAtAnyMoment(t *semaphoreTest) {
	p, n := t.start(), Count(10_000)
	p.Say(fmt.Sprint("storm ", n))
	if err := acquireInStorm(t.s, n); err != nil {
		t.Error(err)
	}
	p.Expect("calm")
	t.wantValue(3)
}

func semaphoreIsClosed(t *semaphoreTest) {
	t.mustAcquire(t.s, 1)
	p := t.start()
	ask(p, "wait 1", "waiting")
	closing := t.open()
	const waiters = 5
	ended := t.wait(context.Background(), closing, waiters, waiters)
	for range 2 {
		if err := closing.Close(); err != nil {
			t.Error(err)
		}
	}
	for range waiters {
		WantError(t, <-ended, os.ErrClosed)
	}
	WantError(t, closing.Acquire(context.Background()), os.ErrClosed)
	_, err := closing.Release(1)
	WantError(t, err, os.ErrClosed)
	_, err = closing.TryAcquire() // also after a Release that was too late
	WantError(t, err, os.ErrClosed)
	_, err = closing.Value()
	WantError(t, err, os.ErrClosed)
	t.wantValue(0)
	t.mustRelease(t.s, 1, 0) // the other process waits on
	p.Expect("through: <nil>")
}

// semaphoreIsClosedDuringCalls closes a semaphore while goroutines use it. A
// permit that one of them holds then is only given back where permits are tracked,
// so that others release what they acquire.
func semaphoreIsClosedDuringCalls(t *semaphoreTest) {
	for range max(3, Count(1000)/3) {
		closing := t.open()
		const users = 4
		started, ended := make(chan bool, users), make(chan error, users)
		for range users {
			go func() {
				started <- true
				for {
					err := closing.Acquire(context.Background())
					if err != nil {
						ended <- err
						return
					}
					if t.Tracks {
						closing.Release(1)
					} else if _, err = t.s.Release(1); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		for range users {
			<-started
		}
		if err := closing.Close(); err != nil {
			t.Error(err)
		}
		for range users {
			WantError(t, <-ended, os.ErrClosed)
		}
		t.wantValue(2)
	}
}

func semaphoreWaiterIsKilled(t *semaphoreTest) {
	t.mustAcquire(t.s, 1)
	p := t.start()
	ask(p, "wait 3", "waiting")
	ended := t.wait(context.Background(), t.s, 1, 1)
	p.Kill()
	t.mustRelease(t.s, 1, 0)
	released := time.Now()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	WantSince(t, released, deathBound)
	for range 3 { // what is released goes to no dead waiter
		t.mustRelease(t.s, 1, 0)
		t.wantTry(t.s, true)
	}
}

func semaphoreHolderIsKilled(t *semaphoreTest) {
	p := t.start()
	ask(p, "acquire 2", "acquired")
	t.mustAcquire(t.s, 1)
	ended := t.wait(context.Background(), t.s, 1, 1)
	p.Kill()
	if !t.Tracks {
		t.mustRelease(t.s, 1, 0)
	}
	dead := time.Now()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	WantSince(t, dead, deathBound)
	if t.Tracks {
		t.wantValue(1) // of two that were given back
		t.mustRelease(t.s, 2, 1)
		_, err := t.s.Release(1)
		WantError(t, err, os.ErrInvalid, "holds 0")
	} else {
		t.wantValue(0) // two are lost
	}
}

// semaphoreProcessesAreStopped has a holder stopped, which keeps its permit, and a
// waiter, which doesn't keep others from theirs.
func semaphoreProcessesAreStopped(t *semaphoreTest) {
	t.mustAcquire(t.s, 1)
	holder, waiter := t.start(), t.start()
	ask(holder, "acquire 1", "acquired")
	ask(waiter, "wait 1", "waiting")
	holderGoesOn, waiterGoesOn := Stop(t, holder.Process.Pid), Stop(t, waiter.Process.Pid)
	ctx, cancel := context.WithTimeout(context.Background(), 150*time.Millisecond)
	defer cancel()
	WantError(t, t.s.Acquire(ctx), context.DeadlineExceeded)
	ended := t.wait(context.Background(), t.s, 1, 1)
	t.mustRelease(t.s, 1, 0)
	released := time.Now()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	WantSince(t, released, deathBound)
	holderGoesOn()
	waiterGoesOn()
	ask(holder, "release 1", "released beside 0, <nil>")
	waiter.Expect("through: <nil>")
	t.wantValue(0)
}

func semaphoreIsRemoved(t *semaphoreTest) {
	if t.Remove == nil {
		return
	}
	t.mustAcquire(t.s, 1)
	p := t.start()
	const waiters = 3
	ask(p, fmt.Sprint("wait ", waiters), "waiting")
	ended := t.wait(context.Background(), t.s, waiters, waiters)
	if err := t.Remove(t.args); err != nil {
		t.Fatal(err)
	}
	removed := time.Now()
	var theirs []string
	for range waiters {
		WantError(t, <-ended, breezeway.ErrRemoved)
		theirs = append(theirs, p.Hear())
	}
	WantSince(t, removed, removeBound)
	if slices.ContainsFunc(theirs, func(s string) bool { return !strings.Contains(s, "removed") }) {
		t.Errorf("the other process's waits ended with %q", theirs)
	}
	WantError(t, t.s.Acquire(context.Background()), breezeway.ErrRemoved)
	t.mustRelease(t.s, 1, 0) // processes that have it open can go on using it
	ask(p, "acquire 1", "acquired")
}
