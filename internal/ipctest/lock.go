package ipctest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
)

// Lock is a lock as one process has it open.
type Lock interface {
	Lock(context.Context) (Held, error)
	TryLock() (h Held, ok bool, err error)
	Close() error
}

// Held is what a [Lock] hands out to its holder.
type Held interface {
	Unlock() error
	Recovered() bool
	MarkConsistent() error
}

// Locks is a sort of locks, for [TestLock].
type Locks struct {
	// Make makes a free lock for one test and returns the arguments with which
	// Open opens it, and those with which it opens a rival: the same lock, or
	// one that it excludes. The factory removes what there is when the test is
	// over.
	Make func(t *testing.T) (lock, rival []string)
	Open func(args []string) (Lock, error)
	// Process is what LockHelper returned for Open.
	Process string

	// Waiters counts the goroutines that wait, in all processes. It is nil for a
	// lock that doesn't tell.
	Waiters func(Lock) (int, error)
	// Remove takes the lock's name away. It is nil for a lock without a name, and
	// where a lock that is open can't be removed.
	Remove func(args []string) error
	// Tells says that holders are told when a rival died, until one of them
	// marks the lock as consistent.
	Tells bool
	// Lacks are the names of the tests of what the lock doesn't promise, or
	// another sort shows as well.
	Lacks []string
}

// LockHelper registers the helper that is the other process in [TestLock].
func LockHelper(name string, open func(args []string) (Lock, error)) string {
	return Helper(name, func(c *Control) error {
		l, err := open(c.Args)
		if err != nil {
			return err
		}
		c.AtEnd(func() { l.Close() })
		held := make(chan Held, 1)
		for {
			if err := obeyLockTest(c, l, held, strings.Fields(c.Hear())); err != nil {
				return err
			}
		}
	})
}

// obeyLockTest does what a test tells a helper.
func obeyLockTest(c *Control, l Lock, held chan Held, command []string) error {
	switch command[0] {
	case "lock":
		return lockAndSay(c, l, held)
	case "wait":
		go lockAndSay(c, l, held)
		if err := AwaitAsleep("ipctest.lockAndSay", 1); err != nil {
			return err
		}
		c.Say("waiting")
	case "try":
		h, ok, err := l.TryLock()
		if err != nil {
			return err
		}
		if ok {
			err = h.Unlock()
		}
		c.Say("%v", ok)
		return err
	case "unlock":
		err := (<-held).Unlock()
		c.Say("unlocked")
		return err
	case "count":
		n, err := strconv.Atoi(command[1])
		if err == nil {
			err = countLocked(l, strings.Join(command[2:], " "), n)
		}
		c.Say("counted")
		return err
	}
	return nil
}

func lockAndSay(c *Control, l Lock, held chan Held) error {
	h, err := l.Lock(context.Background())
	if err != nil {
		return err
	}
	held <- h
	c.Say("locked, recovered %v", h.Recovered())
	return nil
}

func countLocked(l Lock, path string, n int) error {
	return countInTurns(path, n, func(turn func() error) error {
		h, err := l.Lock(context.Background())
		if err != nil {
			return err
		}
		if err := turn(); err != nil {
			return err
		}
		return h.Unlock()
	})
}

// lockTest is one test of a sort of locks.
type lockTest struct {
	*testing.T
	Locks
	lockArgs, rivalArgs []string
	lock, rival         Lock // open in this process
}

// TestLock checks what all locks promise. A rival holds the lock under test, or is
// killed, stopped or closed while it does.
func TestLock(t *testing.T, locks Locks) {
	for _, test := range []struct {
		name string
		run  func(*lockTest)
	}{
		{"excludes processes", lockExcludes},
		{"counts in turns", lockCountsInTurns},
		{"unlock twice", lockUnlocksOnce},
		{"cancelled", lockIsCancelled},
		{"free with a context that is done", lockIgnoresContextIfFree},
		{"closed", lockIsClosed},
		{"closed by its holder", lockIsClosedByHolder},
		{"closed during calls", lockIsClosedDuringCalls},
		{"holder killed", lockHolderIsKilled},
		{"holder killed before", lockHolderWasKilled},
		{"recovered until marked", lockIsRecoveredUntilMarked},
		{"holder stopped", lockHolderIsStopped},
		{"waiters counted", lockCountsWaiters},
		{"removed", lockIsRemoved},
	} {
		if slices.Contains(locks.Lacks, test.name) {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			l := &lockTest{T: t, Locks: locks}
			l.lockArgs, l.rivalArgs = locks.Make(t)
			l.lock, l.rival = l.open(l.lockArgs), l.open(l.rivalArgs)
			test.run(l)
		})
	}
}

func (t *lockTest) open(args []string) Lock {
	t.Helper()
	l, err := t.Open(args)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error("Close: ", err)
		}
	})
	return l
}

// startHolder starts a process that holds the rival.
func (t *lockTest) startHolder() *Process {
	t.Helper()
	p := Start(t, t.Process, t.rivalArgs...)
	ask(p, "lock", "locked, recovered false")
	return p
}

// mustLock locks what is free, or soon will be.
func (t *lockTest) mustLock(l Lock) Held {
	t.Helper()
	h, err := l.Lock(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// wantLock takes and releases a free lock, and checks what its holder is told.
func (t *lockTest) wantLock(l Lock, recovered bool) {
	t.Helper()
	h := t.mustLock(l)
	t.wantRecovered(h, recovered)
	t.mustUnlock(h)
}

func (t *lockTest) mustUnlock(h Held) {
	t.Helper()
	if err := h.Unlock(); err != nil {
		t.Fatal(err)
	}
}

func (t *lockTest) wantRecovered(h Held, want bool) {
	t.Helper()
	if h.Recovered() != want {
		t.Errorf("Recovered is %v, want %v", h.Recovered(), want)
	}
}

// wantTry checks whether the lock can be had, without waiting.
func (t *lockTest) wantTry(l Lock, want bool) {
	t.Helper()
	h, ok, err := l.TryLock()
	if ok != want || err != nil {
		t.Fatalf("TryLock says %v, %v, want %v", ok, err, want)
	}
	if ok {
		t.mustUnlock(h)
	}
}

// locked is how a Lock ended.
type locked struct {
	Held
	err error
}

func lockInBackground(ctx context.Context, l Lock, ended chan<- locked) {
	h, err := l.Lock(ctx)
	ended <- locked{h, err}
}

// wait has n goroutines wait for a lock, of so many that then wait in all.
func (t *lockTest) wait(ctx context.Context, l Lock, n, all int) <-chan locked {
	t.Helper()
	ended := make(chan locked, n)
	for range n {
		go lockInBackground(ctx, l, ended)
	}
	if err := AwaitAsleep("ipctest.lockInBackground", all); err != nil {
		t.Fatal(err)
	}
	return ended
}

// wantNext returns what a wait that was to succeed got.
func (t *lockTest) wantNext(ended <-chan locked, recovered bool) Held {
	t.Helper()
	got := <-ended
	if got.err != nil {
		t.Fatal(got.err)
	}
	t.wantRecovered(got, recovered)
	return got
}

func lockExcludes(t *lockTest) {
	p := t.startHolder()
	start := time.Now()
	for range 10 {
		t.wantTry(t.lock, false)
	}
	WantSince(t, start, 100*time.Millisecond) // TryLock doesn't wait
	ended := t.wait(context.Background(), t.lock, 1, 1)
	ask(p, "unlock", "unlocked")
	h := t.wantNext(ended, false)
	ask(p, "try", "false")
	ask(p, "wait", "waiting")
	t.mustUnlock(h)
	p.Expect("locked, recovered false")
	t.wantTry(t.lock, false)
	ask(p, "unlock", "unlocked")
	t.wantTry(t.lock, true)
	ask(p, "try", "true")
}

func lockCountsInTurns(t *lockTest) {
	if !slices.Equal(t.lockArgs, t.rivalArgs) {
		return // holders of one of them share it
	}
	path, n := newTally(t), Count(20_000)
	p := Start(t, t.Process, t.rivalArgs...)
	p.Say(fmt.Sprintf("count %d %s", n, path))
	if err := countLocked(t.lock, path, n); err != nil {
		t.Error(err)
	}
	p.Expect("counted")
	wantTally(t, path, 4*n)
}

func lockUnlocksOnce(t *lockTest) {
	first := t.mustLock(t.lock)
	t.mustUnlock(first)
	WantError(t, first.Unlock(), os.ErrInvalid)
	second := t.mustLock(t.lock)
	WantError(t, first.Unlock(), os.ErrInvalid)
	t.wantTry(t.rival, false)
	if err := second.MarkConsistent(); err != nil && !errors.Is(err, os.ErrInvalid) { // held for reading
		t.Errorf("MarkConsistent with nothing to mark: %v", err)
	}
	t.mustUnlock(second)
	t.wantTry(t.rival, true)
}

func lockIsCancelled(t *lockTest) {
	h := t.mustLock(t.rival)
	other := t.wait(context.Background(), t.lock, 1, 1)
	wantPromptCancel(t, func(ctx context.Context) <-chan error {
		ended, failed := t.wait(ctx, t.lock, 1, 2), make(chan error, 1)
		go func() { failed <- (<-ended).err }()
		return failed
	})
	if err := AwaitAsleep("ipctest.lockInBackground", 1); err != nil {
		t.Error("the other waiter was disturbed: ", err)
	}
	t.mustUnlock(h)
	t.mustUnlock(t.wantNext(other, false))
}

func lockIgnoresContextIfFree(t *lockTest) {
	h, err := t.lock.Lock(withDone())
	if err != nil {
		t.Fatal(err)
	}
	t.mustUnlock(h)
}

func lockIsClosed(t *lockTest) {
	h := t.mustLock(t.rival)
	const waiters = 3
	ended := t.wait(context.Background(), t.lock, waiters, waiters)
	for range 2 {
		if err := t.lock.Close(); err != nil {
			t.Error(err)
		}
	}
	for range waiters {
		WantError(t, (<-ended).err, os.ErrClosed)
	}
	_, err := t.lock.Lock(context.Background())
	WantError(t, err, os.ErrClosed)
	_, ok, err := t.lock.TryLock()
	WantError(t, err, os.ErrClosed)
	if ok {
		t.Error("a closed lock was locked")
	}
	t.wantTry(t.open(t.lockArgs), false) // the rival still holds it
	t.mustUnlock(h)
	t.wantLock(t.rival, false)
}

func lockIsClosedByHolder(t *lockTest) {
	h := t.mustLock(t.rival)
	ended := t.wait(context.Background(), t.lock, 1, 1)
	if err := t.rival.Close(); err != nil {
		t.Error(err)
	}
	WantError(t, h.Unlock(), os.ErrClosed)
	t.mustUnlock(t.wantNext(ended, t.Tells))
}

// lockIsClosedDuringCalls closes a lock while goroutines lock and unlock it: what
// they hold then is as if they had died, and every call ends.
func lockIsClosedDuringCalls(t *lockTest) {
	for range max(3, Count(1000)/3) {
		closing := t.open(t.lockArgs)
		const users = 3
		started, ended := make(chan bool, users), make(chan error, users)
		for range users {
			go func() {
				started <- true
				for {
					h, err := closing.Lock(context.Background())
					if err == nil {
						err = h.Unlock()
					}
					if err != nil {
						ended <- err
						return
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
		t.mustUnlock(t.mustLock(t.rival))
		t.mustUnlock(t.mustLock(t.lock))
	}
}

func lockHolderIsKilled(t *lockTest) {
	p := t.startHolder()
	ended := t.wait(context.Background(), t.lock, 1, 1)
	p.Kill()
	dead := time.Now()
	h := t.wantNext(ended, t.Tells)
	WantSince(t, dead, deathBound)
	t.mustUnlock(h)
}

func lockHolderWasKilled(t *lockTest) {
	t.startHolder().Kill()
	dead := time.Now()
	t.wantLock(t.lock, t.Tells)
	WantSince(t, dead, deathBound)
	t.mark()
	t.startHolder().Kill()
	for {
		h, ok, err := t.lock.TryLock() // until the kernel tells
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			t.wantRecovered(h, t.Tells)
			t.mustUnlock(h)
			break
		}
	}
}

// mark marks the lock as consistent.
func (t *lockTest) mark() {
	t.Helper()
	h := t.mustLock(t.rival)
	for range 2 {
		if err := h.MarkConsistent(); h.Recovered() && err != nil {
			t.Error(err)
		}
	}
	t.mustUnlock(h)
}

// startHolderAfter is startHolder after another holder.
func (t *lockTest) startHolderAfter(recovered bool) *Process {
	t.Helper()
	p := Start(t, t.Process, t.rivalArgs...)
	ask(p, "lock", fmt.Sprintf("locked, recovered %v", recovered))
	return p
}

func lockIsRecoveredUntilMarked(t *lockTest) {
	if !t.Tells {
		return
	}
	t.startHolder().Kill()
	silent := t.startHolderAfter(true)
	ask(silent, "unlock", "unlocked") // and marks nothing
	t.startHolderAfter(true).Kill()
	t.wantLock(t.lock, true)
	h, ok, err := t.lock.TryLock()
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	t.wantRecovered(h, true)
	t.mustUnlock(h)
	t.wantLock(t.rival, true)
	t.mark()
	t.wantLock(t.lock, false)
	t.startHolder()
}

// lockHolderIsStopped gives waiters more than one look at a holder that is
// stopped, and not dead.
func lockHolderIsStopped(t *lockTest) {
	p := t.startHolder()
	goOn := Stop(t, p.Process.Pid)
	ctx, cancel := context.WithTimeout(context.Background(), 150*time.Millisecond)
	defer cancel()
	_, err := t.lock.Lock(ctx)
	WantError(t, err, context.DeadlineExceeded)
	t.wantTry(t.lock, false)
	ended := t.wait(context.Background(), t.lock, 1, 1)
	goOn()
	ask(p, "unlock", "unlocked")
	t.mustUnlock(t.wantNext(ended, false))
}

func lockCountsWaiters(t *lockTest) {
	if t.Waiters == nil {
		return
	}
	h := t.mustLock(t.rival)
	p := Start(t, t.Process, t.lockArgs...)
	ask(p, "wait", "waiting")
	ctx, cancel := context.WithCancel(context.Background())
	const here = 5
	ended := t.wait(ctx, t.lock, here, here)
	t.awaitWaiters(1 + here) // the process has said that it is about to
	cancel()
	for range here {
		WantError(t, (<-ended).err, context.Canceled)
	}
	t.wantWaiters(1)
	t.mustUnlock(h)
	p.Expect("locked, recovered false")
	t.wantWaiters(0)
}

func (t *lockTest) awaitWaiters(want int) {
	t.Helper()
	for until := time.Now().Add(Patience); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if n, err := t.Waiters(t.lock); n == want || err != nil {
			break
		}
	}
	t.wantWaiters(want)
}

func (t *lockTest) wantWaiters(want int) {
	t.Helper()
	if n, err := t.Waiters(t.lock); n != want || err != nil {
		t.Errorf("%d wait, want %d; %v", n, want, err)
	}
}

func lockIsRemoved(t *lockTest) {
	if t.Remove == nil {
		return
	}
	h := t.mustLock(t.rival)
	const waiters = 3
	ended := t.wait(context.Background(), t.lock, waiters, waiters)
	if err := t.Remove(t.lockArgs); err != nil {
		t.Fatal(err)
	}
	removed := time.Now()
	for range waiters {
		WantError(t, (<-ended).err, breezeway.ErrRemoved)
	}
	WantSince(t, removed, removeBound)
	if err := h.Unlock(); err != nil && !errors.Is(err, breezeway.ErrRemoved) { // it may be told
		t.Error(err)
	}
}
