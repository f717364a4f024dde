package ipcsync

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"golang.org/x/sys/unix"
)

// slowOpener opens or makes the tracked semaphore Args[0], as the mode Args[1] says, and
// says when it has the semaphore, and not yet its table. Then it acquires a permit.
var slowOpener = ipctest.Helper("slow opener", func(c *ipctest.Control) error {
	n, err := strconv.Atoi(c.Args[1])
	if err != nil {
		return err
	}
	mode, first := robust.OpenMode(n), true
	sem, err := openAs(KindSemaphore, mode, c.Args[0], tracking, func(s *settings) (*Semaphore, error) {
		return newTracked(mode, c.Args[0], s, func() (*Semaphore, error) {
			sem, err := newSemaphore(mode, c.Args[0], 2, s)
			if first {
				first = false
				c.Say("has the semaphore")
				c.Hear()
			}
			return sem, err
		})
	})
	if errors.Is(err, fs.ErrExist) {
		c.Say("exists")
		return nil
	}
	if err != nil {
		return err
	}
	defer sem.Close()
	c.Say("open")
	c.Hear()
	err = sem.Acquire(context.Background())
	c.Say("acquired %v", err)
	c.Hear()
	return err
})

// A process is stalled between opening a semaphore and its table, while both are removed
// and made again. It takes part in the new ones, and keeps no other process from them.
func TestTableOfTheNextSemaphoreStays(t *testing.T) {
	for _, mode := range []robust.OpenMode{robust.Create, robust.Open, robust.OpenOrCreate} {
		t.Run(mode.Op(), func(t *testing.T) {
			name := ipctest.UniqueName()
			create := func() *Semaphore {
				t.Helper()
				s, err := CreateSemaphore(name, 2, tracking)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			if mode != robust.Create {
				if err := create().Close(); err != nil {
					t.Fatal(err)
				}
			}
			slow := ipctest.Start(t, slowOpener, name, strconv.Itoa(int(mode)))
			slow.Expect("has the semaphore")
			if err := Remove(KindSemaphore, name, nil); err != nil {
				t.Fatal(err)
			}
			s := keepSemaphore(t, create())
			holder := startPermitHolder(t, s, 2)
			slow.Say("go on")
			if mode == robust.Create {
				slow.Expect("exists")
			} else {
				slow.Expect("open")
			}
			late := sameSemaphore(t, name, tracking)
			holder.Kill()
			mustAcquire(t, late)
			if st, err := s.Stats(); err != nil || st.Holders != 1 {
				t.Errorf("stats of the table before: %+v, %v", st, err)
			}
			if mode != robust.Create {
				slow.Say("acquire")
				slow.Expect("acquired <nil>")
				wantPermits(t, s, 0)
				slow.Say("end")
				slow.Wait()
			}
		})
	}
}

// A process that has removed a semaphore, and not yet its table, removes no other's.
func TestOvertakenRemoveLeavesTheNextTable(t *testing.T) {
	s := newTestSemaphore(t, 2, tracking)
	set, err := tracking.settings(KindSemaphore)
	if err != nil {
		t.Fatal(err)
	}
	if err := removeTable(s.Name(), &set); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	startPermitHolder(t, s, 2).Kill()
	late := sameSemaphore(t, s.Name(), tracking)
	mustAcquire(t, late)
	if st, err := s.Stats(); err != nil || st.Holders != 1 {
		t.Errorf("%+v, %v", st, err)
	}
}

// What a creator left that was killed before it had a semaphore is taken by the next one,
// or removed.
func TestTableWithoutSemaphore(t *testing.T) {
	left := func() string {
		t.Helper()
		name := ipctest.UniqueName()
		set, err := tracking.settings(KindSemaphore)
		if err != nil {
			t.Fatal(err)
		}
		cfg := set.robust()
		cfg.Observe = true
		table := &tracked{}
		if err := table.attach(robust.Create, name, cfg, 0); err != nil {
			t.Fatal(err)
		}
		if err := table.Section.Close(); err != nil {
			t.Error(err)
		}
		return name
	}
	name := left()
	s, err := CreateSemaphore(name, 1, tracking)
	if err != nil {
		t.Fatal(err)
	}
	keepSemaphore(t, s)
	mustAcquire(t, s)
	if st, err := s.Stats(); err != nil || st.Holders != 1 {
		t.Errorf("%+v, %v", st, err)
	}
	name = left()
	if err := Remove(KindSemaphore, name, nil); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat("/dev/shm/bw.track." + name); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// inTheSection stays in the section of the tracked semaphore Args[0] until it hears.
var inTheSection = ipctest.Helper("in the section", func(c *ipctest.Control) error {
	s, err := OpenSemaphore(c.Args[0], tracking)
	if err != nil {
		return err
	}
	defer s.Close()
	err = s.permits.(*tracked).Do(context.Background(), func() error {
		c.Say("in the section")
		c.Hear()
		return nil
	})
	c.Say("left %v", err)
	c.Hear()
	return err
})

// stopInSection has a process stopped that changes what is tracked of s. resume has it go
// on, and leave.
func stopInSection(t *testing.T, s *Semaphore) (resume func()) {
	t.Helper()
	p := ipctest.Start(t, inTheSection, s.Name())
	p.Expect("in the section")
	goOn := ipctest.Stop(t, p.Process.Pid)
	t.Cleanup(func() { p.Process.Signal(syscall.SIGCONT) }) // so that it can be told to end
	return func() {
		t.Helper()
		goOn()
		p.Say("go on")
		p.Expect("left <nil>")
	}
}

// wantMedian calls f a few times. f returns how long what is judged took.
func wantMedian(t *testing.T, bound time.Duration, f func() time.Duration) {
	t.Helper()
	took := make([]time.Duration, 11)
	for i := range took {
		took[i] = f()
	}
	ipctest.WantMedian(t, took, bound)
}

// A process that is stopped while it changes what is tracked doesn't keep WaitAny from its
// other objects, or from ending with its context.
func TestWaitAnyBesideAStoppedSection(t *testing.T) {
	s, m := newTestSemaphore(t, 1, tracking), newTestMutex(t, nil)
	resume := stopInSection(t, s)
	wantMedian(t, 2*time.Millisecond, func() time.Duration { // free
		start := time.Now()
		h := wantAny(t, 1, s, m)
		took := time.Since(start)
		mustUnlock(t, h)
		return took
	})
	wantMedian(t, 10*time.Millisecond, func() time.Duration { // unlocked meanwhile
		h := mustLock(t, m)
		taken := make(chan Held)
		go func() { taken <- wantAny(t, 1, s, m) }()
		awaitWaiters(t, m, 1)
		start := time.Now()
		mustUnlock(t, h)
		h = <-taken
		took := time.Since(start)
		mustUnlock(t, h)
		return took
	})
	h := mustLock(t, m)
	wantMedian(t, 10*time.Millisecond, func() time.Duration { // cancelled
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() {
			_, _, err := WaitAny(ctx, s, m)
			result <- err
		}()
		awaitWaiters(t, m, 1)
		start := time.Now()
		cancel()
		ipctest.WantError(t, <-result, context.Canceled)
		return time.Since(start)
	})
	resume()
	wantAny(t, 0, s, m)
	mustUnlock(t, h)
}

// TryAcquire, Acquire with a context, and Close end although a process is stopped while it
// changes what is tracked.
func TestCallsBesideAStoppedSection(t *testing.T) {
	s := newTestSemaphore(t, 2, tracking)
	closing := sameSemaphore(t, s.Name(), tracking)
	mustAcquire(t, closing)
	resume := stopInSection(t, s)
	wantMedian(t, 2*tryBound, func() time.Duration {
		start := time.Now()
		if ok, err := s.TryAcquire(); ok || err != nil {
			t.Fatal(ok, err)
		}
		return time.Since(start)
	})
	wantMedian(t, 10*time.Millisecond, func() time.Duration {
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() { result <- s.Acquire(ctx) }()
		mustAwaitAcquiring(t, 1)
		start := time.Now()
		cancel()
		ipctest.WantError(t, <-result, context.Canceled)
		return time.Since(start)
	})
	acquired, released := make(chan error), make(chan error)
	go func() { acquired <- closing.Acquire(context.Background()) }()
	mustAwaitAcquiring(t, 1)
	go func() {
		_, err := closing.Release(1)
		released <- err
	}()
	start := time.Now()
	if err := closing.Close(); err != nil {
		t.Error(err)
	}
	ipctest.WantSince(t, start, 1200*time.Millisecond) // Close
	ipctest.WantError(t, <-acquired, os.ErrClosed)
	ipctest.WantError(t, <-released, os.ErrClosed)
	resume()
	mustAcquire(t, s) // and what Close has left there
	mustAcquire(t, s)
}

// A waiter that was killed is not counted where permits are tracked.
func TestTrackCountsWaitersThatLive(t *testing.T) {
	s := newTestSemaphore(t, 0, tracking)
	for range 3 {
		p := ipctest.Start(t, permitHolder, s.Name())
		p.Expect("open")
		p.Say("acquire")
		awaitWaiters(t, s, 1)
		p.Kill()
		awaitWaiters(t, s, 0)
	}
	result := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	for range 2 {
		go func() { result <- s.Acquire(ctx) }()
	}
	awaitWaiters(t, s, 2)
	if st, err := Stat(KindSemaphore, s.Name(), nil); err != nil || st.Waiters != 2 {
		t.Errorf("%+v, %v", st, err)
	}
	cancel()
	for range 2 {
		ipctest.WantError(t, <-result, context.Canceled)
	}
	awaitWaiters(t, s, 0)
}

// What a call acquires that Close overtakes is given back by Close.
func TestCloseGivesBackWhatIsAcquiredMeanwhile(t *testing.T) {
	s := newTestSemaphore(t, 4, tracking)
	for range ipctest.Count(300) {
		closing := sameSemaphore(t, s.Name(), tracking)
		started, ended := make(chan bool, 8), make(chan bool)
		for range 4 {
			go func() {
				started <- true
				for closing.Acquire(context.Background()) == nil {
					closing.Release(1)
				}
				ended <- true
			}()
		}
		for range 4 {
			go func() {
				started <- true
				for {
					if ok, err := closing.TryAcquire(); err != nil {
						break
					} else if ok {
						closing.Release(1)
					}
				}
				ended <- true
			}()
		}
		for range 8 {
			<-started
		}
		if err := closing.Close(); err != nil {
			t.Error(err)
		}
		for range 8 {
			<-ended
		}
		wantPermits(t, s, 4)
	}
}

// A process that can't open the table for want of descriptors doesn't take it for another
// version's.
func TestRemoveWithoutDescriptorsLeavesTheNextTable(t *testing.T) {
	s := newTestSemaphore(t, 2, tracking)
	set, err := tracking.settings(KindSemaphore)
	if err != nil {
		t.Fatal(err)
	}
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	next, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(next)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(next), Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	err = removeTable(s.Name(), &set)
	unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
	if !errors.Is(err, unix.EMFILE) {
		t.Error(err)
	}
	if _, err := os.Stat("/dev/shm/bw.track." + s.Name()); err != nil {
		t.Error(err)
	}
}

// Of many that look for a semaphore that isn't there, none leaves a table.
func TestOpenOfNoSemaphoreLeavesNoTable(t *testing.T) {
	name := ipctest.UniqueName()
	for range ipctest.Count(2_000) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				_, err := OpenSemaphore(name, tracking)
				ipctest.WantError(t, err, fs.ErrNotExist)
			})
		}
		all.Wait()
		if err := os.Remove("/dev/shm/bw.track." + name); !errors.Is(err, fs.ErrNotExist) {
			t.Fatal("it was left: ", err)
		}
	}
}
