package ipcsync

import (
	"context"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// longAgo is after how long a waiter looks only every half second, unless it is
// told that something has happened. Nothing announces that it has come to that.
const longAgo = 700 * time.Millisecond

// soonTold is less than half a second, and more than a busy machine takes.
const soonTold = 150 * time.Millisecond

func TestLongWaiters(t *testing.T) {
	t.Run("holder killed", testLongWaitersOfTheDead)
	t.Run("removed", testLongWaitersOfTheRemoved)
	t.Run("woken and cancelled", testLongWaitersAreWoken)
}

// keeper takes all the mutexes that it is given.
var keeper = ipctest.Helper("keeper", func(c *ipctest.Control) error {
	for _, name := range c.Args {
		m, err := OpenMutex(name, nil)
		if err != nil {
			return err
		}
		if _, err := m.Lock(context.Background()); err != nil {
			return err
		}
	}
	c.Say("locked")
	c.Hear()
	return nil
})

// Long waiters learn of a death at once, however many they are and wherever they
// sleep.
func testLongWaitersOfTheDead(t *testing.T) {
	t.Parallel() // with the other two
	var names []string
	var locks []*Mutex
	for range 20 {
		m := newTestMutex(t, nil)
		locks = append(locks, m)
		names = append(names, m.Name())
	}
	p := ipctest.Start(t, keeper, names...)
	p.Expect("locked")
	type end struct {
		h   Held
		err error
		at  time.Time
	}
	ends := make(chan end)
	for _, m := range locks {
		go func() {
			h, err := m.Lock(t.Context())
			ends <- end{h, err, time.Now()}
		}()
	}
	time.Sleep(longAgo)
	p.Kill()
	dead := time.Now()
	for range locks {
		e := <-ends
		if e.err != nil {
			t.Fatal(e.err)
		}
		ipctest.WantWithin(t, e.at.Sub(dead), soonTold)
		if !e.h.Recovered() {
			t.Error("not told that the holder died")
		}
		if err := e.h.MarkConsistent(); err != nil {
			t.Error(err)
		}
		mustUnlock(t, e.h)
	}
}

func testLongWaitersOfTheRemoved(t *testing.T) {
	t.Parallel() // with the other two
	m := newTestMutex(t, nil)
	s := newTestSemaphore(t, 0, nil)
	h := mustLock(t, m)
	done := make(chan error, 2)
	go func() {
		_, err := m.Lock(t.Context())
		done <- err
	}()
	go func() { done <- s.Acquire(t.Context()) }()
	time.Sleep(longAgo)
	if err := Remove(KindMutex, m.Name(), nil); err != nil {
		t.Fatal(err)
	}
	if err := Remove(KindSemaphore, s.Name(), nil); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for range 2 {
		ipctest.WantError(t, <-done, breezeway.ErrRemoved)
		ipctest.WantSince(t, start, soonTold)
	}
	ipctest.WantError(t, h.Unlock(), breezeway.ErrRemoved)
}

// Long waiters are woken and cancelled like others.
func testLongWaitersAreWoken(t *testing.T) {
	t.Parallel() // with the other two
	s := newTestSemaphore(t, 0, nil)
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- s.Acquire(ctx) }()
	go func() { second <- s.Acquire(t.Context()) }()
	time.Sleep(longAgo)
	start := time.Now()
	cancel()
	ipctest.WantError(t, <-first, context.Canceled)
	ipctest.WantSince(t, start, 20*time.Millisecond)
	if _, err := s.Release(1); err != nil {
		t.Fatal(err)
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
}
