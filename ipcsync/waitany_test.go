package ipcsync

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func wantAny(t *testing.T, want int, objects ...Waitable) Held {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	i, h, err := WaitAny(ctx, objects...)
	if i != want || err != nil {
		t.Fatalf("it took %d, want %d; %v", i, want, err)
	}
	return h
}

func TestWaitAny(t *testing.T) {
	a, b, m := newTestSemaphore(t, 1, nil), newTestSemaphore(t, 1, nil), newTestMutex(t, nil)
	wantAny(t, 0, a, b, m)
	wantAny(t, 1, a, b, m)
	h := wantAny(t, 2, a, b, m)
	p := ipctest.Start(t, permitPoster, b.Name())
	taken := make(chan int)
	go func() {
		i, _, err := WaitAny(t.Context(), m, a, b)
		if err != nil {
			t.Error(err)
		}
		taken <- i
	}()
	p.Say("post")
	if i := <-taken; i != 2 {
		t.Errorf("it took %d", i)
	}
	wantPermits(t, b, 0)
	mustUnlock(t, h)
	h = wantAny(t, 1, b, m)
	mustUnlock(t, h)
	p.Say("end")
	p.Wait()
}

// permitPoster releases a permit of the semaphore Args[0] each time it is told to.
var permitPoster = ipctest.Helper("permit poster", func(c *ipctest.Control) error {
	s, err := OpenSemaphore(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer s.Close()
	for c.Hear() == "post" {
		if _, err := s.Release(1); err != nil {
			return err
		}
	}
	return nil
})

func TestWaitAnyFails(t *testing.T) {
	a, b := newTestSemaphore(t, 0, nil), newTestSemaphore(t, 0, nil)
	i, _, err := WaitAny(t.Context())
	if i != -1 || !errors.Is(err, os.ErrInvalid) {
		t.Errorf("of nothing: %d, %v", i, err)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(cause) })
	i, _, err = WaitAny(ctx, a, b)
	if i != -1 || !errors.Is(err, cause) {
		t.Errorf("cancelled: %d, %v", i, err)
	}
	time.AfterFunc(20*time.Millisecond, func() { b.Close() })
	i, _, err = WaitAny(t.Context(), a, b)
	if i != 1 {
		t.Errorf("closed: %d", i)
	}
	ipctest.WantError(t, err, os.ErrClosed)
	if _, err := a.Release(1); err != nil {
		t.Error(err)
	}
	wantPermits(t, a, 1)
}

// Many wait for any of the same objects, some give up, and nothing is taken twice
// or lost.
func TestWaitAnyStorm(t *testing.T) {
	m := newTestMutex(t, nil)
	objects := []Waitable{newTestSemaphore(t, 1, nil), newTestSemaphore(t, 2, nil), m}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range ipctest.Count(500) {
				mine := []Waitable{objects[rand.IntN(3)], objects[rand.IntN(3)], objects[rand.IntN(3)]}
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(500))*time.Microsecond)
				i, h, err := WaitAny(ctx, mine...)
				switch {
				case errors.Is(err, context.DeadlineExceeded):
				case err != nil:
					t.Error(err)
				case mine[i] == m:
					err = h.Unlock()
				default:
					_, err = mine[i].(*Semaphore).Release(1)
				}
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	all.Wait()
	wantPermits(t, objects[0].(*Semaphore), 1)
	wantPermits(t, objects[1].(*Semaphore), 2)
	mustUnlock(t, mustLock(t, m))
}

// Locks that are shared are taken so.
func TestWaitAnyShared(t *testing.T) {
	m := newTestRWMutex(t, nil)
	l, err := OpenFileLock(filepath.Join(t.TempDir(), "file"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, lock := range []Waitable{m.RLocker(), l.RLocker()} {
		first := wantAny(t, 0, lock)
		second := wantAny(t, 0, lock)
		mustUnlock(t, first)
		mustUnlock(t, second)
	}
	write := wantAny(t, 0, m)
	exclusive := wantAny(t, 0, l)
	taken := make(chan Held)
	go func() {
		i, h, err := WaitAny(t.Context(), l.RLocker(), m.RLocker())
		if i != 1 || err != nil {
			t.Errorf("it took %d, %v", i, err)
		}
		taken <- h
	}()
	awaitWaiters(t, m, 1)
	mustUnlock(t, write)
	mustUnlock(t, <-taken)
	mustUnlock(t, exclusive)
}
