package wait

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// taker does what it is told with semaphore 0.
var taker = ipctest.Helper("taker", func(c *ipctest.Control) error {
	m, err := helperMemory(c)
	if err != nil {
		return err
	}
	s := m.semaphore(0)
	for {
		switch line := c.Hear(); line {
		case "take":
			err := s.acquire(context.Background())
			c.Say("took %v", err)
		case "take in the background":
			go func() {
				err := s.acquire(context.Background())
				c.Say("took %v", err)
			}()
			if err := eventually("the announcement", s.parked); err != nil {
				return err
			}
			c.Say("parked")
		case "count tries":
			c.Say("%d", s.tries.Load())
		case "give":
			s.release(1)
			c.Say("gave")
		case "die woken":
			// The wake-up is spent on this process, which tries and never takes.
			s.gate.Wait(context.Background(), func(bool) (bool, error) {
				if atomic.LoadUint32(s.permits) > 0 {
					c.Say("woken")
					select {}
				}
				return false, nil
			})
		}
	}
})

func TestWakeAcrossProcesses(t *testing.T) {
	eachMode(t, func(t *testing.T, m *memory) {
		s := m.semaphore(0)
		p := m.start(t, taker)
		for range ipctest.Count(200) {
			p.Say("take")
			until(t, "its announcement", s.parked)
			s.release(1)
			p.Expect("took <nil>")
			p.Say("give")
			if err := s.acquire(context.Background()); err != nil {
				t.Fatal(err)
			}
			p.Expect("gave")
		}
	})
}

// Without a wake-up a waiter finds what there is within 100 ms, and with one at
// once.
func TestWakeIsSooner(t *testing.T) {
	eachMode(t, func(t *testing.T, m *memory) {
		s := m.semaphore(0)
		p := m.start(t, taker)
		var quiet, woken time.Duration
		const n = 10
		for range n {
			for _, wake := range []bool{false, true} {
				p.Say("take in the background")
				p.Expect("parked")
				start := time.Now()
				if atomic.AddUint32(s.permits, 1); wake {
					s.gate.Wake(1)
				}
				p.Expect("took <nil>")
				if took := time.Since(start); wake {
					woken += took
				} else {
					quiet += took
					s.gate.Wake(1) // clears the announcement
				}
			}
		}
		t.Logf("%v with a wake-up, %v without", woken/n, quiet/n)
		ipctest.WantWithin(t, quiet/n, time.Second)
		if woken >= quiet {
			t.Errorf("waking made no difference: %v with it, %v without", woken/n, quiet/n)
		}
	})
}

func TestCancel(t *testing.T) {
	eachMode(t, func(t *testing.T, m *memory) {
		s := m.semaphore(0)
		cause := errors.New("changed my mind")
		for name, others := range map[string]int{"alone": 0, "on a shared thread": 2 * (maxOwnThreads() + 1), "behind another": 1} {
			t.Run(name, func(t *testing.T) {
				ctx, end := context.WithCancel(context.Background())
				defer end()
				var waiting sync.WaitGroup
				for i := range others {
					o := s
					if name == "on a shared thread" {
						o = m.semaphore(i + 1)
					}
					waiting.Go(func() {
						if err := o.acquire(ctx); err != context.Canceled {
							t.Errorf("the other one: %v", err)
						}
					})
				}
				before := s.gate.w.queued.Load()
				if name == "behind another" {
					until(t, "the other one to park", func() bool { return s.gate.w.queued.Load() == 1 })
					before = 1
				}
				var times []time.Duration
				for range ipctest.Count(100) + 4 {
					ctx, cancel := context.WithCancelCause(context.Background())
					result := make(chan error)
					go func() { result <- s.acquire(ctx) }()
					until(t, "the waiter", func() bool { return s.gate.w.queued.Load() > before })
					start := time.Now()
					cancel(cause)
					if err := <-result; err != cause {
						t.Fatalf("%v, want the cause", err)
					}
					times = append(times, time.Since(start))
				}
				ipctest.WantMedian(t, times, 10*time.Millisecond)
				end()
				waiting.Wait()
			})
		}
	})
}

// A waiter in another process is not woken by cancellations here.
func TestCancelWakesNoOther(t *testing.T) {
	eachMode(t, func(t *testing.T, m *memory) {
		s := m.semaphore(0)
		p := m.start(t, taker)
		p.Say("take in the background")
		p.Expect("parked")
		tries := func() int {
			p.Say("count tries")
			n, err := strconv.Atoi(p.Hear())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		cancelled := func() {
			ctx, cancel := context.WithCancel(context.Background())
			result := make(chan error)
			go func() { result <- s.acquire(ctx) }()
			until(t, "the waiter", func() bool { return s.gate.w.queued.Load() > 0 })
			cancel()
			if err := <-result; err != context.Canceled {
				t.Fatal(err)
			}
		}
		before := tries()
		for range ipctest.Count(100) {
			cancelled()
		}
		if after := tries(); after != before {
			t.Errorf("it tried %d times meanwhile", after-before)
		}
		s.release(1)
		p.Expect("took <nil>")
	})
}

// A cancel that coincides with a wake-up ends the wait as soon as one that doesn't:
// what unparks the waiter may be used up by the time that it parks again.
func TestCancelWithWakeUp(t *testing.T) {
	eachMode(t, func(t *testing.T, m *memory) {
		for name, others := range map[string]int{"alone": 0, "on a shared thread": 2 * (maxOwnThreads() + 1)} {
			t.Run(name, func(t *testing.T) {
				crowd, end := context.WithCancel(context.Background())
				var waiting sync.WaitGroup
				for i := range others {
					o := m.semaphore(i + 1)
					waiting.Go(func() { o.acquire(crowd) })
				}
				defer waiting.Wait()
				defer end()
				s := m.semaphore(0)
				times := map[bool][]time.Duration{}
				for i := range 2 * (ipctest.Count(200) + 100) { // of a hundred one may be late
					withWake := i%2 == 1
					ctx, cancel := context.WithCancel(context.Background())
					result := make(chan error)
					go func() { result <- s.acquire(ctx) }()
					until(t, "the waiter to park", func() bool { return s.parked() && s.gate.w.queued.Load() > 0 })
					start := time.Now()
					if withWake {
						s.gate.Wake(1) // for nothing
					}
					cancel()
					if err := <-result; err != context.Canceled {
						t.Fatal(err)
					}
					times[withWake] = append(times[withWake], time.Since(start))
				}
				p99 := func(with bool) time.Duration {
					slices.Sort(times[with])
					return times[with][len(times[with])*99/100]
				}
				t.Logf("99%% ended within %v, %v with a wake-up", p99(false), p99(true))
				if p99(true) > 3*p99(false)+10*time.Millisecond {
					ipctest.Late(t, "99%% ended within %v with a wake-up, within %v without", p99(true), p99(false))
				}
			})
		}
	})
}

// A permit that is there, or comes, is taken even if the context is done.
func TestSuccessWins(t *testing.T) {
	m := newMemory(t)
	s := m.semaphore(0)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.acquire(ctx); err != context.Canceled {
		t.Error(err)
	}
	s.release(1)
	if err := s.acquire(ctx); err != nil {
		t.Error(err)
	}
}

func TestErrorOfTry(t *testing.T) {
	m := newMemory(t)
	s := m.semaphore(0)
	removed := errors.New("removed")
	checks := 0
	err := s.gate.Wait(context.Background(), func(check bool) (bool, error) {
		if check {
			checks++
		}
		if checks == 3 {
			return false, removed
		}
		return false, nil
	})
	if err != removed {
		t.Error(err)
	}
}

// A process that was woken and killed before it took the permit has used up the
// only wake-up.
func TestWakeDiesWithItsProcess(t *testing.T) {
	eachMode(t, func(t *testing.T, m *memory) {
		s := m.semaphore(0)
		p := m.start(t, taker)
		p.Say("die woken")
		until(t, "its announcement", s.parked)
		var killed atomic.Bool
		result := make(chan error)
		go func() {
			result <- s.gate.Wait(context.Background(), func(bool) (bool, error) { return killed.Load() && s.try(), nil })
		}()
		until(t, "the second waiter", func() bool { return s.gate.w.queued.Load() > 0 })
		s.release(1)
		p.Expect("woken")
		p.Kill()
		killed.Store(true)
		start := time.Now()
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		ipctest.WantSince(t, start, time.Second)
	})
}

// A killed process leaves its announcement, and the next wake clears it.
func TestAnnouncementOfTheDead(t *testing.T) {
	eachMode(t, func(t *testing.T, m *memory) {
		s := m.semaphore(0)
		p := m.start(t, taker)
		p.Say("take in the background")
		p.Expect("parked")
		p.Kill()
		if !s.parked() {
			t.Fatal("it was not announced")
		}
		s.gate.Wake(1)
		if s.parked() {
			t.Error("still announced")
		}
	})
}

// stormer takes and gives permits, and often cancels.
var stormer = ipctest.Helper("stormer", func(c *ipctest.Control) error {
	m, err := helperMemory(c)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(c.Args[2])
	if err != nil {
		return err
	}
	c.Hear()
	c.Say("%v", storm(m.semaphore(0), n))
	return nil
})

func storm(s *semaphore, n int) error {
	const goroutines = 8
	results := make(chan error)
	for range goroutines {
		go func() {
			results <- func() error {
				for range n / goroutines {
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(300))*time.Microsecond)
					err := s.acquire(ctx)
					if err == nil {
						if rand.IntN(2) == 0 {
							runtime.Gosched()
						}
						s.release(1)
					} else if err != context.DeadlineExceeded {
						cancel()
						return err
					}
					cancel()
				}
				return nil
			}()
		}()
	}
	var err error
	for range goroutines {
		err = errors.Join(err, <-results)
	}
	return err
}

func TestStormOfCancels(t *testing.T) {
	eachMode(t, func(t *testing.T, m *memory) {
		s := m.semaphore(0)
		n := ipctest.Count(10_000)
		var ps []*ipctest.Process
		for range 2 {
			ps = append(ps, m.start(t, stormer, strconv.Itoa(n/2)))
		}
		for _, p := range ps {
			p.Say("go")
		}
		const permits = 3
		s.release(permits)
		if err := storm(s, n/2); err != nil {
			t.Error(err)
		}
		for _, p := range ps {
			p.Expect("<nil>")
		}
		if got := atomic.LoadUint32(s.permits); got != permits {
			t.Errorf("%d permits, %d at first", got, permits)
		}
	})
}

// passer hands a permit on as soon as it has one.
var passer = ipctest.Helper("passer", func(c *ipctest.Control) error {
	m, err := helperMemory(c)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(c.Args[2])
	if err != nil {
		return err
	}
	from, to := m.semaphore(1), m.semaphore(0)
	late, err := pass(from, to, n)
	c.Say("%d %v", late, err)
	return nil
})

// pass counts the permits that came without a wake-up: a check found them.
func pass(from, to *semaphore, n int) (late int, err error) {
	for range n {
		checked := false
		err := from.gate.Wait(context.Background(), func(check bool) (bool, error) {
			taken := from.try()
			if taken && check && checked {
				late++
			}
			checked = checked || check
			return taken, nil
		})
		if err != nil {
			return late, err
		}
		to.release(1)
	}
	return late, nil
}

// A change after the attempt keeps the waiter from parking: the attempt that finds
// it is not the check after 100 ms. The waiter is announced before the change.
func TestChangeBeforePark(t *testing.T) {
	eachMode(t, func(t *testing.T, m *memory) {
		for first, n := range []int{1, All} {
			t.Run(fmt.Sprint("wake ", n), func(t *testing.T) {
				late := 0
				const rounds = 10
				for i := range rounds {
					s := m.semaphore(first*rounds + i)
					released := false
					err := s.gate.Wait(context.Background(), func(check bool) (bool, error) {
						if s.parked() && !released {
							released = true
							atomic.AddUint32(s.permits, 1)
							s.gate.Wake(n)
							return false, nil
						}
						if check && released {
							late++
						}
						return s.try(), nil
					})
					if err != nil {
						t.Fatal(err)
					}
				}
				if late > rounds/2 { // a check may be due just then
					ipctest.Late(t, "%d of %d parked", late, rounds)
				}
			})
		}
	})
}

// wokenParker is a parker on which a wake-up is spent at once.
type wokenParker struct{ cancel func() }

func (p wokenParker) park(entries []*waitEntry, _ time.Duration) error {
	entries[0].woken = true
	p.cancel()
	return nil
}
func (wokenParker) unpark()       {}
func (wokenParker) capacity() int { return 1 }

// A waiter that was woken tries, even if it was cancelled at the same time.
func TestWokenTriesBeforeItLeaves(t *testing.T) {
	m := newMemory(t)
	s := m.semaphore(0)
	ctx, cancel := context.WithCancel(context.Background())
	threadPool.mu.Lock()
	before := threadPool.freeOwn
	threadPool.freeOwn = []parker{wokenParker{cancel}}
	threadPool.mu.Unlock()
	tries := 0
	err := s.gate.Wait(ctx, func(bool) (bool, error) {
		if s.parked() {
			tries++
		}
		return tries == 2, nil
	})
	if err != nil && maxOwnThreads() > 0 {
		t.Errorf("it left with %v", err)
	}
	cancel()
	threadPool.mu.Lock()
	threadPool.freeOwn = before
	threadPool.mu.Unlock()
}

// No wake-up is lost while no process dies: no permit is found only by the check
// after 100 ms.
func TestNoWakeIsLost(t *testing.T) {
	eachMode(t, func(t *testing.T, m *memory) {
		there, here := m.semaphore(1), m.semaphore(0)
		here.gate.w.spin.credit.Store(0) // so that it parks
		n := ipctest.Count(20_000)
		p := m.start(t, passer, strconv.Itoa(n))
		there.release(1)
		late, err := pass(here, there, n)
		if err != nil {
			t.Fatal(err)
		}
		var otherLate int
		var otherErr string
		fmt.Sscan(p.Hear(), &otherLate, &otherErr)
		// A check that was due anyway may come first; with processors taken away for
		// 100 ms now and then that happens.
		if otherErr != "<nil>" {
			t.Error(otherErr)
		}
		if late+otherLate > n/1000+2 {
			ipctest.Late(t, "%d of %d came without a wake-up, there %d", late, n, otherLate)
		}
	})
}

func TestClose(t *testing.T) {
	eachMode(t, func(t *testing.T, m *memory) {
		p := m.start(t, taker)
		p.Say("take in the background")
		p.Expect("parked")

		n := 2 * (maxOwnThreads() + 4)
		var all []*semaphore
		results := make(chan error)
		for i := range n {
			s := m.semaphore(i)
			all = append(all, s)
			for range 3 {
				go func() { results <- s.acquire(context.Background()) }()
			}
		}
		for _, s := range all {
			until(t, "the waiters", func() bool { return s.gate.w.queued.Load() == 3 })
		}
		for _, s := range all {
			go func() {
				s.gate.Close()
				s.gate.Close()
				if s.gate.w.first != nil {
					t.Error("Close returned before the waiters had left")
				}
				results <- nil
			}()
		}
		closed := 0
		for range 4 * n {
			switch err := <-results; err {
			case nil:
			case os.ErrClosed:
				closed++
			default:
				t.Error(err)
			}
		}
		if closed != 3*n {
			t.Errorf("%d of %d ended with os.ErrClosed", closed, 3*n)
		}
		if err := all[0].acquire(context.Background()); err != os.ErrClosed {
			t.Errorf("after Close: %v", err)
		}
		all[0].gate.Wake(1)

		// The other process waits on.
		s := m.semaphore(0)
		s.release(1)
		p.Expect("took <nil>")
	})
}

// crowd waits as Args say, and counts threads.
var crowd = ipctest.Helper("crowd", func(c *ipctest.Control) error {
	m, err := helperMemory(c)
	if err != nil {
		return err
	}
	words, err := strconv.Atoi(c.Args[2])
	if err != nil {
		return err
	}
	each, err := strconv.Atoi(c.Args[3])
	if err != nil {
		return err
	}
	before := threads(nil)
	results := make(chan error)
	var all []*semaphore
	for i := range words {
		s := m.semaphore(i)
		all = append(all, s)
		for range each {
			go func() { results <- s.acquire(context.Background()) }()
		}
	}
	for _, s := range all {
		if err := eventually("the waiters", func() bool { return int(s.gate.w.queued.Load()) == each && s.parked() }); err != nil {
			return err
		}
	}
	if err := eventually("all to be parked", func() bool { return parkedEntries() == words }); err != nil {
		return err
	}
	c.Say("parked")
	c.Hear()
	c.Say("%d", threads(nil)-before)
	for range words * each {
		if err := <-results; err != nil {
			return err
		}
	}
	c.Say("all woken")
	return nil
})

// parkedEntries counts the waiters that have a thread.
func parkedEntries() (n int) {
	p := &threadPool
	p.mu.Lock()
	defer p.mu.Unlock()
	n = p.ownInUse
	for _, g := range p.shared {
		n += len(g.entries)
	}
	return n
}

func TestThreads(t *testing.T) {
	threads(t)
	const many = 1000
	for name, c := range map[string]struct{ words, each int }{
		"one word":   {1, many},
		"many words": {many, 1},
		"too many":   {2 * many, 1},
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, m *memory) {
				p := m.start(t, crowd, strconv.Itoa(c.words), strconv.Itoa(c.each))
				p.Expect("parked")
				p.Say("count")
				more, err := strconv.Atoi(p.Hear())
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%d threads more", more)
				// Twelve shared ones, and some of the runtime's.
				if limit := runtime.GOMAXPROCS(0) + 18; more > limit {
					t.Errorf("%d threads more, at most %d", more, limit)
				}
				for i := range c.words {
					s := m.semaphore(i)
					if c.words == 1 {
						s.release(c.each / 2)
						for range c.each - c.each/2 {
							s.release(1)
						}
					} else {
						s.release(1)
					}
				}
				p.Expect("all woken")
			})
		})
	}
}

// Spinning that doesn't pay ends.
func TestSpinningHasToPay(t *testing.T) {
	if runtime.GOMAXPROCS(0) == 1 {
		t.Skip("with GOMAXPROCS 1 there is no spinning")
	}
	var s spin
	s.init(firstWordPause)
	for range fullCredit {
		s.failed()
	}
	tried := 0
	for range 10 * retryEvery {
		if s.budget() > 0 {
			tried++
		}
	}
	if tried != 10 {
		t.Errorf("tried %d times of %d", tried, 10*retryEvery)
	}
	for range fullCredit {
		s.paid()
	}
	if s.budget() != maxSpin {
		t.Errorf("spins for %v, though it pays", s.budget())
	}
	start := time.Now()
	const n = 1000
	for range n {
		pause(pausesIn(firstWordPause))
	}
	t.Logf("%d pauses between two attempts: %v", pausesIn(firstWordPause), time.Since(start)/n)
}
