package ipcsync

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// tries is a context that tells how often a waiter asked it, which it does after each
// attempt, before it parks.
type tries struct {
	context.Context
	asked chan struct{}
}

func newTries(t *testing.T) tries { return tries{t.Context(), make(chan struct{}, 100)} }

func (c tries) Err() error {
	select {
	case c.asked <- struct{}{}:
	default:
	}
	return c.Context.Err()
}

// again waits until the waiter, which has parked, has tried again. What it does before
// that is wake must wake it.
func (c tries) again(t testing.TB, wake func()) {
	t.Helper()
	for len(c.asked) > 0 {
		<-c.asked
	}
	wake()
	select {
	case <-c.asked:
	case <-time.After(ipctest.Patience):
		t.Fatal("it was not woken")
	}
}

func reopenRWMutex(t *testing.T, m *RWMutex) *RWMutex {
	t.Helper()
	again, err := OpenRWMutex(m.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	})
	return again
}

// rwAccess is how the memory of a lock is reached: directly, or with protection.
var rwAccess = map[string]*Config{"direct": nil, "protected": {Mode: 0o666}}

// leavings are the ways in which a waiter leaves without the lock.
var leavings = map[string]func(t *testing.T, m *RWMutex, o Waitable) (leave func()){
	"cancelled": func(t *testing.T, m *RWMutex, o Waitable) func() {
		ctx, cancel := context.WithCancel(t.Context())
		left := waitingForAny(t, ctx, o)
		return func() {
			cancel()
			ipctest.WantError(t, <-left, context.Canceled)
		}
	},
	"closed": func(t *testing.T, m *RWMutex, o Waitable) func() {
		left := waitingForAny(t, t.Context(), o)
		return func() {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			if err := <-left; err == nil {
				t.Error("it has what was closed")
			}
		}
	},
	"another taken": func(t *testing.T, m *RWMutex, o Waitable) func() {
		other, err := CreateEvent(ipctest.UniqueName(), nil)
		if err != nil {
			t.Fatal(err)
		}
		left := waitingForAny(t, t.Context(), o, other)
		return func() {
			if err := other.Set(); err != nil {
				t.Error(err)
			}
			if err := <-left; err != nil {
				t.Error(err)
			}
			if err := other.Close(); err != nil {
				t.Error(err)
			}
			removeIfThere(t, KindEvent, other.Name())
		}
	},
}

func waitingForAny(t *testing.T, ctx context.Context, objects ...Waitable) <-chan error {
	left := make(chan error, 1)
	go func() {
		_, h, err := WaitAny(ctx, objects...)
		if err == nil && h != (Held{}) {
			err = errors.Join(errors.New("it has the lock"), h.Unlock())
		}
		left <- err
	}()
	return left
}

// eachLeaving runs a test for each way in which a waiter leaves, and each way to reach
// the memory.
func eachLeaving(t *testing.T, test func(t *testing.T, m *RWMutex, wait func(*testing.T, *RWMutex, Waitable) (leave func()))) {
	for access, cfg := range rwAccess {
		for name, wait := range leavings {
			t.Run(access+", "+name, func(t *testing.T) { test(t, newTestRWMutex(t, cfg), wait) })
		}
	}
}

// A reader that leaves just when it has been given the turn wakes a writer, which finds
// the word still held. The word's writer then wakes a writer too.
func TestRWMutexReaderLeavesWhenItsTurnComes(t *testing.T) {
	eachLeaving(t, func(t *testing.T, m *RWMutex, wait func(*testing.T, *RWMutex, Waitable) func()) {
		third := reopenRWMutex(t, m)
		wantAwake(t, func() <-chan outcome {
			second := reopenRWMutex(t, m)
			h := mustTake(t, m.Lock)
			leave := wait(t, second, second.RLocker())
			awaitWaiters(t, m, 1)
			asked := newTries(t)
			writing := acquiring(t, func(context.Context) (Held, error) { return third.Lock(asked) })
			awaitWaiters(t, m, 2)
			m.lock.giveTurn(h.ticket)
			asked.again(t, leave)
			m.lock.giveWord(h.ticket)
			return writing
		})
	})
}

// The same if a reader ends the turn that was another's: it has unlocked before, and is
// late.
func TestRWMutexReaderIsLateToEndTheTurn(t *testing.T) {
	m := newTestRWMutex(t, nil)
	second, third, fourth := reopenRWMutex(t, m), reopenRWMutex(t, m), reopenRWMutex(t, m)
	var total time.Duration
	const rounds = 20
	for range rounds {
		reader := mustTake(t, m.RLock)
		if !m.lock.tickets.give(reader.ticket) {
			t.Fatal("it doesn't read")
		}
		m.lock.leave()
		h := mustTake(t, second.Lock)
		reading := acquiring(t, third.RLock)
		awaitWaiters(t, m, 1)
		asked := newTries(t)
		writing := acquiring(t, func(context.Context) (Held, error) { return fourth.Lock(asked) })
		awaitWaiters(t, m, 2)
		second.lock.giveTurn(h.ticket)
		asked.again(t, m.lock.endTurn)
		start := time.Now()
		second.lock.giveWord(h.ticket)
		wantBoth(t, reading, writing)
		total += time.Since(start)
	}
	ipctest.WantWithin(t, total/rounds, 30*time.Millisecond) // a wake-up that is missed takes 64 ms and more
}

// A pending writer that leaves lets those go on that wait for it.
func TestRWMutexPendingWriterLeaves(t *testing.T) {
	eachLeaving(t, func(t *testing.T, m *RWMutex, wait func(*testing.T, *RWMutex, Waitable) func()) {
		third := reopenRWMutex(t, m)
		for name, take := range map[string]func(context.Context) (Held, error){"reader": third.RLock, "writer": third.Lock} {
			t.Run(name, func(t *testing.T) {
				wantAwake(t, func() <-chan outcome {
					second := reopenRWMutex(t, m)
					reader := mustTake(t, m.RLock)
					defer mustUnlock(t, reader)
					leave := wait(t, second, second)
					awaitWaiters(t, m, 1)
					waiting := acquiring(t, take)
					awaitWaiters(t, m, 2)
					leave()
					return waiting
				})
			})
		}
	})
}

// A waiter that has just been woken when its lock is closed takes nothing with it.
func TestRWMutexClosedWhenWoken(t *testing.T) {
	for access, cfg := range rwAccess {
		for way, of := range map[string]func(*RWMutex) Waitable{
			"writer": func(m *RWMutex) Waitable { return m },
			"reader": func(m *RWMutex) Waitable { return m.RLocker() },
		} {
			t.Run(access+", "+way, func(t *testing.T) {
				m := newTestRWMutex(t, cfg)
				third := reopenRWMutex(t, m)
				wantAwake(t, func() <-chan outcome {
					second := reopenRWMutex(t, m)
					h := mustTake(t, m.Lock)
					left := waitingForAny(t, t.Context(), of(second))
					awaitWaiters(t, m, 1)
					second.lock.Shut() // as far as Close has come
					mustUnlock(t, h)
					ipctest.WantError(t, <-left, os.ErrClosed)
					if err := second.Close(); err != nil {
						t.Error(err)
					}
					return acquiring(t, third.Lock)
				})
			})
		}
	}
}

// pass takes the lock and unlocks at once.
func pass(ctx context.Context, take func(context.Context) (Held, error)) error {
	h, err := take(ctx)
	if err != nil {
		return err
	}
	return h.Unlock()
}

// rwPasser passes through the lock Args[0] in the way that it hears.
var rwPasser = ipctest.Helper("rw passer", func(c *ipctest.Control) error {
	m, err := OpenRWMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer m.Close()
	ways := map[string]func(context.Context) (Held, error){"write": m.Lock, "read": m.RLock}
	for {
		take := ways[c.Hear()]
		if take == nil {
			return nil
		}
		if err := pass(context.Background(), take); err != nil {
			return err
		}
		c.Say("passed")
	}
})

// A holder unlocks just when the wait of one of three others is cancelled. The two that
// stay, one of them in another process, pass then, and not when they look again: none
// comes later that would wake them.
func TestRWMutexCancelsCoincideWithUnlocks(t *testing.T) {
	m := newTestRWMutex(t, nil)
	second, third := reopenRWMutex(t, m), reopenRWMutex(t, m)
	p := ipctest.Start(t, rwPasser, m.Name())
	either := func(m *RWMutex) func(context.Context) (Held, error) {
		return []func(context.Context) (Held, error){m.Lock, m.RLock}[rand.IntN(2)]
	}
	bound := 50 * time.Millisecond
	if ipctest.Slow() {
		bound *= 5
	}
	stalls := watchStalls(t)
	var cancelled, late int
	var longest time.Duration
	rounds := ipctest.Count(100_000)
	for range rounds {
		h := mustTake(t, m.Lock)
		ctx, cancel := context.WithCancel(t.Context())
		leaving, staying := make(chan error, 1), make(chan error, 1)
		leave, stay := either(second), either(third)
		go func() { leaving <- pass(ctx, leave) }()
		go func() { staying <- pass(t.Context(), stay) }()
		p.Say([]string{"write", "read"}[rand.IntN(2)])
		awaitWaiters(t, m, 3)

		go func() {
			spinFor(rand.N(50 * time.Microsecond))
			cancel()
		}()
		spinFor(rand.N(200 * time.Microsecond))
		start := time.Now()
		mustUnlock(t, h)
		switch err := <-leaving; {
		case errors.Is(err, context.Canceled):
			cancelled++
		case err != nil:
			t.Error(err)
		}
		if err := <-staying; err != nil {
			t.Error(err)
		}
		p.Expect("passed")
		took := time.Since(start)
		longest = max(longest, took)
		if took > bound && !stalls.since(start) {
			late++
		}
	}
	end(t, p)
	t.Logf("%d rounds, %d of them cancelled in time, the longest wait was %v", rounds, cancelled, longest)
	if late > 0 {
		ipctest.Late(t, "%d times a waiter had the lock only after more than %v", late, bound)
	}
	wantRWStats(t, m, Stats{Value: 1})
}

// stalls tells when the machine ran nothing for a while.
type stalls struct{ last atomic.Int64 }

func watchStalls(t *testing.T) *stalls {
	s := &stalls{}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for last := time.Now(); t.Context().Err() == nil; last = time.Now() {
			time.Sleep(time.Millisecond)
			if time.Since(last) > 20*time.Millisecond {
				s.last.Store(time.Now().UnixNano())
			}
		}
	}()
	t.Cleanup(func() { <-over }) // t.Context is done before
	return s
}

func (s *stalls) since(start time.Time) bool { return s.last.Load() > start.UnixNano() }

func spinFor(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}
