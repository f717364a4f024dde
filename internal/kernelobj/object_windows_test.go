package kernelobj

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// semaphore is an Object of a semaphore.
type semaphore struct{ *Object }

func newSemaphore(t *testing.T, value int32) semaphore {
	t.Helper()
	h, err := CreateSemaphore(uniqueName(), value, 10, ownRule(t))
	if err != nil {
		t.Fatal(err)
	}
	s := semaphore{NewObject(h)}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s semaphore) acquire(ctx context.Context, c *robust.Claim) error {
	return s.Wait(ctx, c, func(h windows.Handle) error {
		_, err := sys.ReleaseSemaphore(h, 1)
		return err
	})
}

func (s semaphore) release(t *testing.T, n int32) {
	t.Helper()
	if err := s.Use(func(h windows.Handle) error {
		_, err := sys.ReleaseSemaphore(h, n)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func (s semaphore) want(t *testing.T, value int32) {
	t.Helper()
	if err := s.Use(func(h windows.Handle) error {
		v, _, err := sys.QuerySemaphore(h)
		if v != value {
			t.Errorf("%d permits, want %d", v, value)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// awaitTurn waits until a goroutine waits for the object in the kernel, or is about
// to.
func (s semaphore) awaitTurn(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(ipctest.Patience); len(s.turn) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no goroutine waits")
		}
	}
}

// There are more objects than the shared threads have room for, so that some are
// polled.
func TestManyObjects(t *testing.T) {
	const n = 12*63 + 20
	ctx, cancel := context.WithCancel(t.Context())
	var all []semaphore
	results := make([]chan error, n)
	for i := range n {
		s := newSemaphore(t, 0)
		all = append(all, s)
		results[i] = make(chan error, 1)
		c := t.Context()
		if i%3 == 0 {
			c = ctx
		}
		go func() { results[i] <- s.acquire(c, nil) }()
	}
	for _, s := range all {
		s.awaitTurn(t)
	}
	cancel()
	for i, s := range all {
		switch i % 3 {
		case 0:
			if err := <-results[i]; err != context.Canceled {
				t.Error(err)
			}
			s.want(t, 0)
		case 1:
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := <-results[i]; err != os.ErrClosed {
				t.Error(err)
			}
		case 2:
			s.release(t, 2)
			if err := <-results[i]; err != nil {
				t.Error(err)
			}
			s.want(t, 1)
		}
	}
}

// What the kernel gives to a wait after the claim was taken is given back.
func TestClaimGivesBack(t *testing.T) {
	s := newSemaphore(t, 0)
	c := new(robust.Claim)
	result := make(chan error)
	go func() { result <- s.acquire(t.Context(), c) }()
	s.awaitTurn(t)
	c.Take(func() (bool, error) { return true, nil })
	s.release(t, 1)
	if err := <-result; !errors.Is(err, robust.ErrTaken) {
		t.Error(err)
	}
	s.want(t, 1)
	if err := s.acquire(t.Context(), new(robust.Claim)); err != nil {
		t.Error(err)
	}
	s.want(t, 0)
}

func TestUseAfterClose(t *testing.T) {
	s := newSemaphore(t, 1)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := s.acquire(t.Context(), nil); err != os.ErrClosed {
		t.Error(err)
	}
	if _, err := s.TryWait(); err != os.ErrClosed {
		t.Error(err)
	}
}

// A permit that is there is taken even if the context is done.
func TestTakesBeforeContext(t *testing.T) {
	s := newSemaphore(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.acquire(ctx, nil); err != nil {
		t.Error(err)
	}
	if err := s.acquire(ctx, nil); err != context.Canceled {
		t.Error(err)
	}
}
