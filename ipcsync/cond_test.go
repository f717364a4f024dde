package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// newTestCond makes a condition that is closed and removed when the test is over.
func newTestCond(t testing.TB) *Cond {
	t.Helper()
	c, err := CreateCond(ipctest.UniqueName(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		removeIfThere(t, KindCond, c.Name())
	})
	return c
}

func mustSignal(t testing.TB, signal func() error) {
	t.Helper()
	if err := signal(); err != nil {
		t.Fatal(err)
	}
}

// mustAwaitCond waits until n goroutines sleep at a condition.
func mustAwaitCond(t testing.TB, n int) {
	t.Helper()
	if err := ipctest.AwaitAsleep("ipcsync.(*Cond).Wait", n); err != nil {
		t.Fatal(err)
	}
}

// condUser locks the mutex Args[0] and waits at the condition Args[1], in as many
// goroutines as it is told. Each that is woken unlocks.
var condUser = ipctest.Helper("cond user", func(c *ipctest.Control) error {
	m, err := OpenMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	c.AtEnd(func() { m.Close() })
	cond, err := OpenCond(c.Args[1], nil)
	if err != nil {
		return err
	}
	c.AtEnd(func() { cond.Close() })
	for {
		n, err := strconv.Atoi(c.Hear())
		if err != nil {
			return err
		}
		for range n {
			go func() {
				h, err := m.Lock(context.Background())
				if err == nil {
					h, err = cond.Wait(context.Background(), h)
				}
				if err == nil {
					err = h.Unlock()
				}
				c.Say("woken %v", err)
			}()
		}
		if err := ipctest.AwaitAsleep("ipcsync.(*Cond).Wait", n); err != nil {
			return err
		}
		c.Say("waiting")
	}
})

func startCondUser(t testing.TB, m *Mutex, c *Cond, waiters int) *ipctest.Process {
	t.Helper()
	p := ipctest.Start(t, condUser, m.Name(), c.Name())
	tell(t, p, strconv.Itoa(waiters), "waiting")
	return p
}

// A waiter has unlocked the mutex, and has locked it when it is woken.
func TestCond(t *testing.T) {
	m, c := newTestMutex(t, nil), newTestCond(t)
	p := startCondUser(t, m, c, 1)
	h := mustLock(t, m)
	mustSignal(t, c.Signal)
	done := make(chan string)
	go func() { done <- p.Hear() }()
	select {
	case s := <-done:
		t.Errorf("%q, while the mutex was locked", s)
	case <-time.After(20 * time.Millisecond):
	}
	mustUnlock(t, h)
	if s := <-done; s != "woken <nil>" {
		t.Error(s)
	}

	// Broadcast wakes all, in all processes.
	other := startCondUser(t, m, c, 3)
	tell(t, p, "2", "waiting")
	mustSignal(t, c.Broadcast)
	for range 3 {
		other.Expect("woken <nil>")
	}
	for range 2 {
		p.Expect("woken <nil>")
	}
	mustUnlock(t, mustLock(t, m))
}

// store is what processes share: a queue of bounded length.
type store struct {
	Length, Put, Got, Sum atomic.Int64
}

const storeSize = 4

// storeUsers put n numbers into the store, and take them out, in two goroutines
// each. They often change their minds about waiting.
func storeUsers(m *Mutex, notEmpty, notFull *Cond, s *store, n int) error {
	// until locks the mutex when ready says so.
	until := func(c *Cond, ready func() bool) (Held, error) {
		h, err := m.Lock(context.Background())
		for err == nil && !ready() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(300))*time.Microsecond)
			if h, err = c.Wait(ctx, h); errors.Is(err, context.DeadlineExceeded) {
				err = nil
			}
			cancel()
		}
		return h, err
	}
	results := make(chan error)
	for range 2 {
		go func() {
			for i := range n / 2 {
				h, err := until(notFull, func() bool { return s.Length.Load() < storeSize })
				if err == nil {
					s.Length.Add(1)
					s.Put.Add(1)
					s.Sum.Add(int64(i))
					err = errors.Join(notEmpty.Signal(), h.Unlock())
				}
				if err != nil {
					results <- err
					return
				}
			}
			results <- nil
		}()
		go func() {
			for i := range n / 2 {
				h, err := until(notEmpty, func() bool { return s.Length.Load() > 0 })
				if err == nil {
					s.Length.Add(-1)
					s.Got.Add(1)
					s.Sum.Add(-int64(i))
					err = errors.Join(notFull.Signal(), h.Unlock())
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
	for range 4 {
		err = errors.Join(err, <-results)
	}
	return err
}

var storeUser = ipctest.Helper("store user", func(c *ipctest.Control) error {
	m, err := OpenMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer m.Close()
	notEmpty, err := OpenCond(c.Args[1], nil)
	if err != nil {
		return err
	}
	defer notEmpty.Close()
	notFull, err := OpenCond(c.Args[2], nil)
	if err != nil {
		return err
	}
	defer notFull.Close()
	s, closeShared, err := openShared[store](c.Args[3])
	if err != nil {
		return err
	}
	defer closeShared()
	n, err := strconv.Atoi(c.Args[4])
	if err != nil {
		return err
	}
	return storeUsers(m, notEmpty, notFull, s, n)
})

// Two processes hand things over through a store, and no wake-up is lost.
func TestCondStore(t *testing.T) {
	seg, s := newShared[store](t)
	m, notEmpty, notFull := newTestMutex(t, nil), newTestCond(t), newTestCond(t)
	n := 2 * ipctest.Count(2500)
	p := ipctest.Start(t, storeUser, m.Name(), notEmpty.Name(), notFull.Name(), seg.Name(), strconv.Itoa(n))
	if err := storeUsers(m, notEmpty, notFull, s, n); err != nil {
		t.Error(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("%v; stderr: %s", err, p.Stderr())
	}
	if s.Length.Load() != 0 || s.Put.Load() != int64(2*n) || s.Got.Load() != int64(2*n) || s.Sum.Load() != 0 {
		t.Errorf("%d in the store, put %d, got %d, sum %d", s.Length.Load(), s.Put.Load(), s.Got.Load(), s.Sum.Load())
	}
}

// However Wait ends, the mutex is locked, or the Held says that it isn't.
func TestCondAnswers(t *testing.T) {
	m, c := newTestMutex(t, nil), newTestCond(t)
	h := mustLock(t, m)
	cause := errors.New("changed my mind")
	ctx, cancel := context.WithCancelCause(t.Context())
	type answer struct {
		h   Held
		err error
	}
	wait := func(ctx context.Context, h Held) <-chan answer {
		done := make(chan answer)
		go func() {
			h, err := c.Wait(ctx, h)
			done <- answer{h, err}
		}()
		mustAwaitCond(t, 1)
		return done
	}
	done := wait(ctx, h)
	start := time.Now()
	cancel(cause)
	a := <-done
	ipctest.WantError(t, a.err, cause)
	ipctest.WantSince(t, start, 20*time.Millisecond)
	wantBusy(t, m)

	// A wait with a context that is done unlocks all the same, and locks again.
	h, err := c.Wait(ctx, a.h)
	ipctest.WantError(t, err, cause)
	wantBusy(t, m)
	mustUnlock(t, h)

	old := h
	h, err = c.Wait(t.Context(), old)
	ipctest.WantError(t, err, os.ErrInvalid)
	if h != old {
		t.Error("another Held")
	}
	_, err = c.Wait(t.Context(), Held{})
	ipctest.WantError(t, err, os.ErrInvalid, "Mutex")

	done = wait(t.Context(), mustLock(t, m))
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	a = <-done
	ipctest.WantError(t, a.err, os.ErrClosed)
	wantBusy(t, m)
	h, err = c.Wait(t.Context(), a.h)
	ipctest.WantError(t, err, os.ErrClosed)
	wantBusy(t, m)
	mustUnlock(t, h)
	ipctest.WantError(t, c.Signal(), os.ErrClosed)
	ipctest.WantError(t, c.Broadcast(), os.ErrClosed)
	_, err = c.Stats()
	ipctest.WantError(t, err, os.ErrClosed)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// A Wait that can't lock again says so.
func TestCondWithoutMutex(t *testing.T) {
	m, c := newTestMutex(t, nil), newTestCond(t)
	h := mustLock(t, m)
	done := make(chan error)
	go func() {
		h, err := c.Wait(context.Background(), h)
		if h != (Held{}) {
			err = fmt.Errorf("it holds something, and %v", err)
		}
		done <- err
	}()
	mustAwaitCond(t, 1)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	mustSignal(t, c.Signal)
	ipctest.WantError(t, <-done, os.ErrClosed, "mutex")
}

// What one goroutine did before it signalled, another sees that was woken; the
// race detector is the judge.
func TestCondOrdersGoroutines(t *testing.T) {
	m, c := newTestMutex(t, nil), newTestCond(t)
	n := 0
	var all sync.WaitGroup
	for me := range 2 {
		all.Go(func() {
			h, err := m.Lock(t.Context())
			for range 100 {
				for err == nil && n%2 != me {
					h, err = c.Wait(t.Context(), h)
				}
				if err != nil {
					t.Error(err)
					return
				}
				n++
				mustSignal(t, c.Signal)
			}
			mustUnlock(t, h)
		})
	}
	if all.Wait(); n != 200 {
		t.Error(n)
	}
}

// A waiter that is woken and can't lock the mutex again leaves the signal to another.
func TestCondWaiterCannotLockAgain(t *testing.T) {
	m, c := newTestMutex(t, nil), newTestCond(t)
	const rounds = 10
	var total time.Duration
	for range rounds {
		waiting := func() (*Mutex, <-chan error) {
			mutex, err := OpenMutex(m.Name(), nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { mutex.Close() })
			cond, err := OpenCond(c.Name(), nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cond.Close() })
			h, done := mustLock(t, mutex), make(chan error, 1)
			go func() {
				h, err := cond.Wait(t.Context(), h)
				if err == nil {
					err = h.Unlock()
				}
				done <- err
			}()
			return mutex, done
		}
		first, failed := waiting()
		awaitWaiters(t, c, 1)
		_, woken := waiting()
		awaitWaiters(t, c, 2)
		if err := first.Close(); err != nil {
			t.Error(err)
		}
		start := time.Now()
		mustSignal(t, c.Signal)
		select {
		case err := <-failed: // the first has been woken
			ipctest.WantError(t, err, os.ErrClosed)
			err = <-woken
			total += time.Since(start)
			if err != nil {
				t.Error(err)
			}
		case err := <-woken: // the second, and the first with it or not at all
			if err != nil {
				t.Error(err)
			}
			mustSignal(t, c.Broadcast)
			ipctest.WantError(t, <-failed, os.ErrClosed)
		}
	}
	ipctest.WantWithin(t, total/rounds, 20*time.Millisecond)
}

// Processes that die waiting don't keep others.
func TestCondWaiterIsKilled(t *testing.T) {
	m, c := newTestMutex(t, nil), newTestCond(t)
	for range max(3, ipctest.Count(10)) {
		dying, other := startCondUser(t, m, c, 2), startCondUser(t, m, c, 1)
		dying.Kill()
		start := time.Now()
		mustSignal(t, c.Signal)
		other.Expect("woken <nil>")
		ipctest.WantSince(t, start, 200*time.Millisecond)
		other.Kill()
	}
	if st, err := c.Stats(); err != nil || st.Waiters != 0 {
		t.Errorf("stats: %+v, %v", st, err)
	}
}

func TestCondExistence(t *testing.T) {
	name := ipctest.UniqueName()
	_, err := OpenCond(name, nil)
	ipctest.WantError(t, err, os.ErrNotExist, "CreateCond")
	c := newTestCond(t)
	_, err = CreateCond(c.Name(), nil)
	ipctest.WantError(t, err, os.ErrExist, "OpenCond")
	other, err := OpenOrCreateCond(c.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if other.Created() || !c.Created() || other.Name() != c.Name() {
		t.Error("it is another one")
	}
	other.Close()
}

// A mutex and its condition in a file.
func TestCondInPlace(t *testing.T) {
	at := newPlace(t, 2)
	m, err := CreateMutex("", &Config{At: at})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	at.Offset = Size
	_, err = OpenCond("", &Config{At: at})
	ipctest.WantError(t, err, fs.ErrNotExist)
	c, err := CreateCond("", &Config{At: at})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	same, err := OpenCond("", &Config{At: at})
	if err != nil {
		t.Fatal(err)
	}
	defer same.Close()
	h := mustLock(t, m)
	done := make(chan error)
	go func() {
		h, err := c.Wait(context.Background(), h)
		done <- errors.Join(err, h.Unlock())
	}()
	mustAwaitCond(t, 1)
	awaitWaiters(t, same, 1)
	mustSignal(t, same.Signal)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
