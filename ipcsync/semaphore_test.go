package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/wait"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// newSemaphore makes one that is closed, and removed where that is possible, when
// the test is over.
func newTestSemaphore(t testing.TB, value int, cfg *Config) *Semaphore {
	t.Helper()
	s, err := CreateSemaphore(ipctest.UniqueName(), value, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return keepSemaphore(t, s)
}

func sameSemaphore(t testing.TB, name string, cfg *Config) *Semaphore {
	t.Helper()
	s, err := OpenSemaphore(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return keepSemaphore(t, s)
}

func keepSemaphore(t testing.TB, s *Semaphore) *Semaphore {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if s.Created() {
			removeSemaphoreIfThere(t, s.Name())
		}
	})
	return s
}

func removeSemaphoreIfThere(t testing.TB, name string) {
	t.Helper()
	if err := Remove(KindSemaphore, name, nil); err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

func wantPermits(t testing.TB, s *Semaphore, want int) {
	t.Helper()
	if got, err := s.Value(); got != want || err != nil {
		t.Errorf("%d permits, %v, want %d", got, err, want)
	}
}

// awaitAcquiring waits until n goroutines sleep in Acquire.
func awaitAcquiring(n int) error { return awaitAsleep("(*Semaphore).Acquire", n) }

func mustAwaitAcquiring(t testing.TB, n int) {
	t.Helper()
	if err := awaitAcquiring(n); err != nil {
		t.Fatal(err)
	}
}

// semaphoreUser opens the semaphore Args[0] and does what it is told.
var semaphoreUser = ipctest.Helper("semaphore user", func(c *ipctest.Control) error {
	s, err := OpenSemaphore(c.Args[0], nil)
	if err != nil {
		return err
	}
	c.AtEnd(func() { s.Close() })
	c.Say("opened")
	var done atomic.Int32 // goroutines that have acquired
	for {
		var command string
		var n int
		fmt.Sscan(c.Hear(), &command, &n)
		switch command {
		case "acquire":
			c.Say("acquired %v", s.Acquire(context.Background()))
		case "try":
			ok, err := s.TryAcquire()
			c.Say("%v %v", ok, err)
		case "release":
			previous, err := s.Release(n)
			c.Say("released %d %v", previous, err)
		case "wait": // in n goroutines
			for range n {
				go func() {
					err := s.Acquire(context.Background())
					done.Add(1)
					c.Say("acquired %v", err)
				}()
			}
			if err := awaitAcquiring(n); err != nil {
				return err
			}
			c.Say("waiting")
		case "storm":
			c.Say("%v", semaphoreStorm(s, n))
		default:
			return fmt.Errorf("what is %q?", command)
		}
	}
})

func startSemaphoreUser(t testing.TB, s *Semaphore, args ...string) *ipctest.Process {
	t.Helper()
	p := ipctest.Start(t, semaphoreUser, append([]string{s.Name()}, args...)...)
	p.Expect("opened")
	return p
}

func tellSemaphoreUser(t testing.TB, p *ipctest.Process, command, answer string) {
	t.Helper()
	p.Say(command)
	if got := p.Hear(); got != answer {
		t.Fatalf("%s: %q, want %q; stderr: %s", command, got, answer, p.Stderr())
	}
}

// eachAccess runs a test with a semaphore of this user alone and with one that is
// shared with others, and so protected from them.
func eachAccess(t *testing.T, test func(t *testing.T, cfg *Config)) {
	t.Run("own", func(t *testing.T) { test(t, nil) })
	t.Run("shared", func(t *testing.T) { test(t, &Config{Mode: 0o666}) })
}

func TestSemaphore(t *testing.T) { eachAccess(t, testSemaphore) }

func testSemaphore(t *testing.T, cfg *Config) {
	ctx := context.Background()
	s := newTestSemaphore(t, 2, cfg)
	if !s.Created() || s.Max() != math.MaxInt32 {
		t.Error(s.Created(), s.Max())
	}
	_, err := CreateSemaphore(s.Name(), 2, nil)
	wantError(t, err, os.ErrExist, "OpenSemaphore", removal(KindSemaphore))
	again := sameSemaphore(t, s.Name(), nil)
	if again.Created() || again.Name() != s.Name() || again.Max() != math.MaxInt32 {
		t.Error(again.Created(), again.Name(), again.Max())
	}
	_, err = OpenOrCreateSemaphore(s.Name(), 7, &Config{Max: 8})
	wantError(t, err, breezeway.ErrMismatch, "Config.Max")
	third, err := OpenOrCreateSemaphore(s.Name(), 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	keepSemaphore(t, third)
	if third.Created() || third.Max() != math.MaxInt32 {
		t.Error("the creator's settings don't count:", third.Created(), third.Max())
	}
	wantPermits(t, third, 2)

	if err := s.Acquire(ctx); err != nil {
		t.Fatal(err)
	}
	if ok, err := again.TryAcquire(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	wantPermits(t, s, 0)
	if ok, err := s.TryAcquire(); ok || err != nil { // empty
		t.Error(ok, err)
	}
	cause := errors.New("changed my mind")
	cancelled, cancel := context.WithCancelCause(ctx)
	cancel(cause)
	wantError(t, s.Acquire(cancelled), cause, "sem acquire "+s.Name())
	if previous, err := again.Release(3); previous != 0 || err != nil {
		t.Error(previous, err)
	}
	if previous, err := again.Release(1); previous != 3 || err != nil {
		t.Error(previous, err)
	}
	if err := s.Acquire(cancelled); err != nil {
		t.Error("a permit that is there is not taken:", err)
	}
	stats, err := s.Stats()
	if stats.Value != 3 || stats.Max != math.MaxInt32 || stats.Holders != -1 || stats.Waiters > 0 || stats.Recoveries != 0 || err != nil {
		t.Errorf("%+v, %v", stats, err)
	}

	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	wantError(t, s.Acquire(ctx), os.ErrClosed)
	_, err = s.TryAcquire()
	wantError(t, err, os.ErrClosed)
	_, err = s.Release(1)
	wantError(t, err, os.ErrClosed)
	_, err = s.TryAcquire() // also after a Release that was too late
	wantError(t, err, os.ErrClosed)
	_, err = s.Value()
	wantError(t, err, os.ErrClosed)
	_, err = s.Stats()
	wantError(t, err, os.ErrClosed)
	wantPermits(t, again, 3)
}

func TestSemaphoreMax(t *testing.T) {
	s := newTestSemaphore(t, 1, &Config{Max: 3})
	again := sameSemaphore(t, s.Name(), &Config{Max: 5})
	for _, s := range []*Semaphore{s, again} {
		if s.Max() != 3 {
			t.Error(s.Max())
		}
		for _, n := range []int{3, 4, math.MaxInt32, math.MaxInt} {
			_, err := s.Release(n)
			wantError(t, err, breezeway.ErrTooLarge, strconv.Itoa(n), "maximum, 3")
		}
		for _, n := range []int{0, -1, math.MinInt} {
			_, err := s.Release(n)
			wantError(t, err, os.ErrInvalid, "at least 1")
		}
		wantPermits(t, s, 1)
	}
	if previous, err := again.Release(2); previous != 1 || err != nil {
		t.Error(previous, err)
	}
	stats, err := s.Stats()
	if stats.Value != 3 || stats.Max != 3 || err != nil {
		t.Error(stats, err)
	}

	full := newTestSemaphore(t, math.MaxInt32, nil)
	_, err = full.Release(1)
	wantError(t, err, breezeway.ErrTooLarge)
	if err := full.Acquire(t.Context()); err != nil {
		t.Error(err)
	}
	if previous, err := full.Release(1); previous != math.MaxInt32-1 || err != nil {
		t.Error(previous, err)
	}
}

func TestSemaphoreArguments(t *testing.T) {
	name := ipctest.UniqueName()
	for _, open := range []func(value int, cfg *Config) (*Semaphore, error){
		func(value int, cfg *Config) (*Semaphore, error) { return CreateSemaphore(name, value, cfg) },
		func(value int, cfg *Config) (*Semaphore, error) { return OpenOrCreateSemaphore(name, value, cfg) },
	} {
		for _, c := range []struct {
			value    int
			cfg      *Config
			sentinel error
			word     string
		}{
			{-1, nil, os.ErrInvalid, "-1"},
			{math.MaxInt32 + 1, nil, breezeway.ErrTooLarge, "2147483648"},
			{0, &Config{Max: -1}, os.ErrInvalid, "Config.Max"},
			{0, &Config{Max: math.MaxInt32 + 1}, breezeway.ErrTooLarge, "Config.Max"},
			{4, &Config{Max: 3}, breezeway.ErrTooLarge, "at most 3"},
			{0, &Config{Mode: 0o1777}, os.ErrInvalid, "Config.Mode"},
		} {
			_, err := open(c.value, c.cfg)
			wantError(t, err, c.sentinel, c.word)
		}
	}
	_, err := OpenSemaphore(name, nil)
	wantError(t, err, os.ErrNotExist, "CreateSemaphore", "ipc create sem://"+name)
	for _, bad := range []string{"", "a/b", ".", "-a"} {
		_, err := CreateSemaphore(bad, 0, nil)
		wantError(t, err, os.ErrInvalid)
		_, err = OpenSemaphore(bad, nil)
		wantError(t, err, os.ErrInvalid)
		wantError(t, Remove(KindSemaphore, bad, nil), os.ErrInvalid)
	}
}

func TestSemaphoreAcrossProcesses(t *testing.T) {
	s := newTestSemaphore(t, 1, nil)
	p := startSemaphoreUser(t, s)
	tellSemaphoreUser(t, p, "acquire", "acquired <nil>")
	tellSemaphoreUser(t, p, "try", "false <nil>")
	for range ipctest.Count(200) {
		tellSemaphoreUser(t, p, "wait 1", "waiting")
		if previous, err := s.Release(1); previous != 0 || err != nil {
			t.Fatal(previous, err)
		}
		p.Expect("acquired <nil>")

		result := make(chan error)
		go func() { result <- s.Acquire(context.Background()) }()
		mustAwaitAcquiring(t, 1)
		tellSemaphoreUser(t, p, "release 1", "released 0 <nil>")
		if err := <-result; err != nil {
			t.Fatal(err)
		}
	}
	tellSemaphoreUser(t, p, "release 5", "released 0 <nil>")
	tellSemaphoreUser(t, p, "try", "true <nil>")
	wantPermits(t, s, 4)
}

// Release(n) wakes n, wherever they are.
func TestSemaphoreReleaseWakesMany(t *testing.T) {
	s := newTestSemaphore(t, 0, nil)
	var ps []*ipctest.Process
	for range 3 {
		p := startSemaphoreUser(t, s)
		tellSemaphoreUser(t, p, "wait 4", "waiting")
		ps = append(ps, p)
	}
	start := time.Now()
	if _, err := s.Release(3*4 + 1); err != nil {
		t.Fatal(err)
	}
	for _, p := range ps {
		for range 4 {
			p.Expect("acquired <nil>")
		}
	}
	t.Logf("all were woken after %v", time.Since(start))
	wantPermits(t, s, 1)
}

func TestSemaphoreCancel(t *testing.T) {
	s := newTestSemaphore(t, 0, nil)
	p := startSemaphoreUser(t, s)
	tellSemaphoreUser(t, p, "wait 1", "waiting")
	cause := errors.New("changed my mind")
	for _, behind := range []int{0, 2} { // others of this process
		ctx, end := context.WithCancel(context.Background())
		var others sync.WaitGroup
		for range behind {
			others.Go(func() { wantError(t, s.Acquire(ctx), context.Canceled) })
		}
		mustAwaitAcquiring(t, behind)
		var times []time.Duration
		for range ipctest.Count(100) + 4 {
			ctx, cancel := context.WithCancelCause(context.Background())
			result := make(chan error)
			go func() { result <- s.Acquire(ctx) }()
			mustAwaitAcquiring(t, behind+1)
			start := time.Now()
			cancel(cause)
			wantError(t, <-result, cause)
			times = append(times, time.Since(start))
		}
		slices.Sort(times)
		t.Logf("behind %d: ended after %v, %v at most", behind, times[len(times)/2], times[len(times)-1])
		if typical := times[len(times)/2]; typical > 10*time.Millisecond {
			t.Errorf("typically cancelled after %v", typical)
		}
		mustAwaitAcquiring(t, behind) // undisturbed
		end()
		others.Wait()
	}
	// Nor is the other process's waiter disturbed.
	if _, err := s.Release(1); err != nil {
		t.Fatal(err)
	}
	p.Expect("acquired <nil>")
}

// semaphoreStorm acquires and releases until it has changed its mind n times.
func semaphoreStorm(s *Semaphore, n int) error {
	const goroutines = 8
	var cancelled atomic.Int64
	results := make(chan error)
	for range goroutines {
		go func() {
			for cancelled.Load() < int64(n) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(300))*time.Microsecond)
				err := s.Acquire(ctx)
				cancel()
				if err == nil {
					if rand.IntN(2) == 0 {
						time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
					}
					_, err = s.Release(1)
				} else if errors.Is(err, context.DeadlineExceeded) {
					cancelled.Add(1)
					err = nil
				}
				if err != nil {
					results <- err
					return
				}
			}
			results <- nil
		}()
	}
	var err error
	for range goroutines {
		err = errors.Join(err, <-results)
	}
	return err
}

func TestSemaphoreStormOfCancels(t *testing.T) { eachAccess(t, testSemaphoreStorm) }

func testSemaphoreStorm(t *testing.T, cfg *Config) {
	const permits = 3
	s := newTestSemaphore(t, permits, cfg)
	p := startSemaphoreUser(t, s)
	n := ipctest.Count(10_000)
	p.Say(fmt.Sprint("storm ", n))
	if err := semaphoreStorm(s, n); err != nil {
		t.Error(err)
	}
	p.Expect("<nil>")
	wantPermits(t, s, permits)
	if stats, err := s.Stats(); stats.Waiters > 0 || err != nil {
		t.Error(stats, err)
	}
}

// The race detector doesn't see shared memory, and must not take this for a race.
func TestSemaphoreOrdersGoroutines(t *testing.T) {
	s := newTestSemaphore(t, 1, nil)
	n, counter := ipctest.Count(10_000), 0
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range n {
				if err := s.Acquire(context.Background()); err != nil {
					t.Error(err)
				}
				counter++
				if _, err := s.Release(1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if counter != 4*n {
		t.Errorf("counted to %d, want %d", counter, 4*n)
	}
}

func TestSemaphoreClose(t *testing.T) {
	s := newTestSemaphore(t, 0, nil)
	again := sameSemaphore(t, s.Name(), nil)
	p := startSemaphoreUser(t, s)
	tellSemaphoreUser(t, p, "wait 1", "waiting")
	results := make(chan error)
	const n = 5
	for range n {
		go func() { results <- again.Acquire(context.Background()) }()
	}
	mustAwaitAcquiring(t, n)
	for range 2 {
		go func() { results <- again.Close() }()
	}
	var closed int
	for range n + 2 {
		if err := <-results; err != nil {
			wantError(t, err, os.ErrClosed)
			closed++
		}
	}
	if closed != n {
		t.Errorf("%d of %d waiters got os.ErrClosed", closed, n)
	}
	// They have left nothing, and the other process waits on.
	if stats, err := s.Stats(); stats.Value != 0 || stats.Waiters > 1 || err != nil {
		t.Error(stats, err)
	}
	if _, err := s.Release(1); err != nil {
		t.Fatal(err)
	}
	p.Expect("acquired <nil>")
}

// Close while others take and give loses no permit.
func TestSemaphoreCloseInUse(t *testing.T) {
	const permits = 2
	s := newTestSemaphore(t, permits, nil)
	for range ipctest.Count(50) {
		again := sameSemaphore(t, s.Name(), nil)
		var users sync.WaitGroup
		started := make(chan struct{}, 4)
		for range cap(started) {
			users.Go(func() {
				started <- struct{}{}
				for {
					if again.Acquire(context.Background()) != nil {
						return
					}
					if _, err := s.Release(1); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range cap(started) {
			<-started
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		users.Wait()
		wantPermits(t, s, permits)
	}
}

// A process that is killed takes its permits along, and nobody else is hindered.
func TestSemaphoreUserIsKilled(t *testing.T) {
	s := newTestSemaphore(t, 1, nil)
	waiter := startSemaphoreUser(t, s)
	holder := startSemaphoreUser(t, s)
	tellSemaphoreUser(t, holder, "acquire", "acquired <nil>")
	tellSemaphoreUser(t, waiter, "wait 3", "waiting")
	result := make(chan error)
	go func() { result <- s.Acquire(context.Background()) }()
	mustAwaitAcquiring(t, 1)
	waiter.Kill()
	holder.Kill()
	wantPermits(t, s, 0)
	start := time.Now()
	if _, err := s.Release(1); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 200*time.Millisecond*slack/2 {
		t.Errorf("it took %v", took)
	}
	for range 3 {
		if previous, err := s.Release(1); previous != 0 || err != nil {
			t.Error(previous, err)
		}
		if ok, err := s.TryAcquire(); !ok || err != nil {
			t.Error(ok, err)
		}
	}
}

// semaphoreCrowd opens the semaphores Args, Args[0] goroutines wait for each, and
// it counts threads.
var semaphoreCrowd = ipctest.Helper("semaphore crowd", func(c *ipctest.Control) error {
	each, err := strconv.Atoi(c.Args[0])
	if err != nil {
		return err
	}
	before := threadsNow()
	results := make(chan error)
	for _, name := range strings.Fields(c.Hear()) {
		s, err := OpenSemaphore(name, nil)
		if err != nil {
			return err
		}
		c.AtEnd(func() { s.Close() })
		for range each {
			go func() { results <- s.Acquire(context.Background()) }()
		}
	}
	n := each
	if n == 1 {
		fmt.Sscan(c.Args[1], &n)
	}
	if err := awaitAcquiring(n); err != nil {
		return err
	}
	c.Say("%d", threadsNow()-before)
	for range n {
		if err := <-results; err != nil {
			return err
		}
	}
	c.Say("all woken")
	return nil
})

// threadsNow counts this process's threads; where the system doesn't list them, as
// many as there have been.
func threadsNow() int {
	if runtime.GOOS == "linux" {
		tasks, _ := os.ReadDir("/proc/self/task")
		return len(tasks)
	}
	return pprof.Lookup("threadcreate").Count()
}

func TestSemaphoreThreads(t *testing.T) {
	const many = 1000
	for name, c := range map[string]struct{ semaphores, each int }{
		"one semaphore":   {1, many},
		"many semaphores": {many, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := ipctest.Start(t, semaphoreCrowd, strconv.Itoa(c.each), strconv.Itoa(c.semaphores))
			var all []*Semaphore
			var names []string
			for range c.semaphores {
				s := newTestSemaphore(t, 0, nil)
				all = append(all, s)
				names = append(names, s.Name())
			}
			p.Say(strings.Join(names, " "))
			more, err := strconv.Atoi(p.Hear())
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d threads more", more)
			if limit := runtime.GOMAXPROCS(0) + 16; more > limit {
				t.Errorf("%d threads more, at most %d", more, limit)
			}
			for _, s := range all {
				for n := c.each; n > 0; {
					k := (n + 1) / 2
					if _, err := s.Release(k); err != nil {
						t.Fatal(err)
					}
					n -= k
				}
			}
			p.Expect("all woken")
		})
	}
}

// Of several waits of a claim one takes, and what the others might have taken
// stays.
func TestSemaphoreClaim(t *testing.T) {
	a, b := newTestSemaphore(t, 0, nil), newTestSemaphore(t, 0, nil)
	for range ipctest.Count(10_000) {
		var c robust.Claim
		ctx, cancel := context.WithCancel(context.Background())
		results := make(chan error)
		for _, s := range []*Semaphore{a, b} {
			go func() { results <- s.acquire(ctx, &c) }()
		}
		for _, s := range []*Semaphore{a, b} {
			go func() {
				_, err := s.Release(1)
				results <- err
			}()
		}
		taken, failures := 0, 0
		for range 4 {
			switch err := <-results; {
			case err == nil:
				taken++
			case errors.Is(err, robust.ErrTaken):
				failures++
			default:
				t.Fatal(err)
			}
		}
		cancel()
		if taken != 3 || failures != 1 { // with both releases
			t.Fatal(taken, failures)
		}
		left := 0
		for _, s := range []*Semaphore{a, b} {
			if ok, err := s.TryAcquire(); err != nil {
				t.Fatal(err)
			} else if ok {
				left++
			}
			wantPermits(t, s, 0)
		}
		if left != 1 {
			t.Fatalf("%d of 2 permits are left", left)
		}
	}
}

// The words of a semaphore work in any mapping, on every system.
func TestSemaphoreWords(t *testing.T) {
	const at = 64
	f, err := os.Create(filepath.Join(t.TempDir(), "memory"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	image, err := semaphoreImage(1, 4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(append(image, make([]byte, 32)...), at); err != nil {
		t.Fatal(err)
	}
	name, err := wait.EventName(f, at)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mmap.Map(f, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	most, err := checkSemaphoreImage(m.Bytes()[at : at+semaphoreSize])
	if most != 4 || err != nil {
		t.Fatal(most, err)
	}
	removed := errors.New("removed")
	var gone atomic.Bool
	open := func() *semaphoreWords {
		w, err := newSemaphoreWords(m, at, most, wait.Name{Word: name}, func() error {
			if gone.Load() {
				return removed
			}
			return nil
		}, func() error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	a, b := open(), open()
	ctx := t.Context()
	if err := a.acquire(ctx, nil); err != nil {
		t.Fatal(err)
	}
	result := make(chan error)
	for range ipctest.Count(1000) {
		go func() { result <- a.acquire(ctx, nil) }()
		if previous, err := b.release(1); previous != 0 || err != nil {
			t.Fatal(previous, err)
		}
		if err := <-result; err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.release(5); !errors.Is(err, breezeway.ErrTooLarge) {
		t.Error(err)
	}
	if stats, err := a.stats(); stats.Value != 0 || stats.Waiters != 0 || err != nil {
		t.Error(stats, err)
	}
	go func() { result <- a.acquire(ctx, nil) }()
	gone.Store(true)
	start := time.Now()
	if err := <-result; err != removed || time.Since(start) > time.Second {
		t.Error(err, time.Since(start))
	}
	gone.Store(false)
	go func() { result <- a.acquire(ctx, nil) }()
	if err := a.close(); err != nil {
		t.Error(err)
	}
	if err := <-result; err != os.ErrClosed {
		t.Error(err)
	}
	if stats, err := b.stats(); stats.Waiters != 0 || err != nil {
		t.Error(stats, err)
	}
	if err := b.close(); err != nil {
		t.Error(err)
	}
}
