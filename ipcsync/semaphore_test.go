package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/wait"
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
			removeIfThere(t, KindSemaphore, s.Name())
		}
	})
	return s
}

func wantPermits(t testing.TB, s *Semaphore, want int) {
	t.Helper()
	if got, err := s.Value(); got != want || err != nil {
		t.Errorf("%d permits, %v, want %d", got, err, want)
	}
}

// awaitAcquiring waits until n goroutines sleep in Acquire.
func awaitAcquiring(n int) error { return ipctest.AwaitAsleep("ipcsync.(*Semaphore).Acquire", n) }

func TestSemaphoreExistence(t *testing.T) {
	s := newTestSemaphore(t, 2, nil)
	if !s.Created() || s.Max() != math.MaxInt32 {
		t.Error(s.Created(), s.Max())
	}
	_, err := CreateSemaphore(s.Name(), 2, nil)
	ipctest.WantError(t, err, os.ErrExist, "OpenSemaphore", removal(KindSemaphore))
	_, err = OpenOrCreateSemaphore(s.Name(), 7, &Config{Max: 8})
	ipctest.WantError(t, err, breezeway.ErrMismatch, "Config.Max")
	again, err := OpenOrCreateSemaphore(s.Name(), 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	keepSemaphore(t, again)
	if again.Created() || again.Name() != s.Name() || again.Max() != math.MaxInt32 {
		t.Error(again.Created(), again.Name(), again.Max())
	}
	wantPermits(t, again, 2)
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
			ipctest.WantError(t, err, breezeway.ErrTooLarge, strconv.Itoa(n), "maximum, 3")
		}
		for _, n := range []int{0, -1, math.MinInt} {
			_, err := s.Release(n)
			ipctest.WantError(t, err, os.ErrInvalid, "at least 1")
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
	ipctest.WantError(t, err, breezeway.ErrTooLarge)
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
		tooMany := int64(math.MaxInt32) + 1 // an int on 64-bit systems, which alone have semaphores
		for _, c := range []struct {
			value    int
			cfg      *Config
			sentinel error
			word     string
		}{
			{-1, nil, os.ErrInvalid, "-1"},
			{int(tooMany), nil, breezeway.ErrTooLarge, "2147483648"},
			{0, &Config{Max: -1}, os.ErrInvalid, "Config.Max"},
			{0, &Config{Max: int(tooMany)}, breezeway.ErrTooLarge, "Config.Max"},
			{4, &Config{Max: 3}, breezeway.ErrTooLarge, "at most 3"},
			{0, &Config{Mode: 0o1777}, os.ErrInvalid, "Config.Mode"},
		} {
			_, err := open(c.value, c.cfg)
			ipctest.WantError(t, err, c.sentinel, c.word)
		}
	}
	_, err := OpenSemaphore(name, nil)
	ipctest.WantError(t, err, os.ErrNotExist, "CreateSemaphore", "ipc create sem://"+name)
	for _, bad := range []string{"", "a/b", ".", "-a"} {
		_, err := CreateSemaphore(bad, 0, nil)
		ipctest.WantError(t, err, os.ErrInvalid)
		_, err = OpenSemaphore(bad, nil)
		ipctest.WantError(t, err, os.ErrInvalid)
		ipctest.WantError(t, Remove(KindSemaphore, bad, nil), os.ErrInvalid)
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
	const many = 300
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
	most, err := checkSemaphoreImage(image)
	if most != 4 || err != nil {
		t.Fatal(most, err)
	}
	removed := errors.New("removed")
	var gone atomic.Bool
	open := func() *semaphoreWords {
		f, m, err := robust.Place{File: f, Offset: at}.Map(SemaphoreSize)
		if err != nil {
			t.Fatal(err)
		}
		w, err := newSemaphoreWords(f, m, most, wait.Name{Word: name}, func() error {
			if gone.Load() {
				return removed
			}
			return nil
		})
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
	if err := <-result; err != removed {
		t.Error(err)
	}
	ipctest.WantSince(t, start, time.Second)
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
