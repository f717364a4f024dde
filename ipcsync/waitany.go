package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Waitable is what [WaitAny] waits for.
type Waitable interface {
	// takeAny waits as the type's own method does, and asks c before it takes.
	takeAny(ctx context.Context, c *claim) (Held, error)
	// tryAny is takeAny that doesn't wait.
	tryAny() (Held, bool, error)
}

// WaitAny waits until it can take one of several objects, and takes exactly one:
// a permit of a [Semaphore], an [Event], a [Mutex], an [RWMutex] to write, a
// [FileLock] exclusively; RLocker makes one of the last two that is shared. It
// returns which one, and for a lock the Held; for a semaphore or an event that is
// the zero value. If several can be had it takes the first of them.
//
// It fails as the wait for one of them does: with [context.Cause] within 10 ms of
// ctx being done, when the index is -1, or as soon as one of the objects fails,
// for example since it was closed, when the index says which. Nothing is taken
// then, and no wake-up that was somebody else's is lost.
//
// On Windows the kernel gives its objects to who waits without asking. There
// something may be taken for a moment and given back, when two become free at the
// same time.
func WaitAny(ctx context.Context, objects ...Waitable) (index int, h Held, err error) {
	if len(objects) == 0 {
		return -1, Held{}, failed("ipcsync", "wait any", "", fmt.Errorf("of no objects none can be taken (%w)", os.ErrInvalid))
	}
	for i, o := range objects {
		if h, ok, err := o.tryAny(); ok || err != nil {
			return i, h, err
		}
	}
	type result struct {
		index int
		h     Held
		err   error
	}
	one, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan result, len(objects))
	var c claim
	for i, o := range objects {
		go func() {
			h, err := o.takeAny(one, &c)
			results <- result{i, h, err}
		}()
	}
	// All end soon after the first: each is interrupted, or finds the claim taken.
	end := result{index: -1}
	for range objects {
		r := <-results
		switch {
		case r.err == nil:
			end = r
		case end.index < 0 && one.Err() == nil && !errors.Is(r.err, errTaken):
			end = r
		}
		cancel()
	}
	if end.index < 0 {
		end.err = failed("ipcsync", "wait any", "", context.Cause(ctx))
	}
	return end.index, end.h, end.err
}

func (m *Mutex) takeAny(ctx context.Context, c *claim) (Held, error) { return m.lock(ctx, c) }
func (m *Mutex) tryAny() (Held, bool, error)                         { return m.tryLock() }

func (s *Semaphore) takeAny(ctx context.Context, c *claim) (Held, error) {
	return Held{}, s.failed("acquire", s.acquire(ctx, c))
}

func (s *Semaphore) tryAny() (Held, bool, error) {
	ok, err := s.TryAcquire()
	return Held{}, ok, err
}

func (e *Event) takeAny(ctx context.Context, c *claim) (Held, error) {
	return Held{}, e.wait(ctx, c)
}

func (e *Event) tryAny() (Held, bool, error) {
	ok, err := e.TryWait()
	return Held{}, ok, err
}

func (l *FileLock) takeAny(ctx context.Context, c *claim) (Held, error) {
	return l.all().wait(ctx, c, "lock", true)
}
func (l *FileLock) tryAny() (Held, bool, error) { return l.TryLock() }

// RLocker returns m as [WaitAny] takes it to read.
func (m *RWMutex) RLocker() Waitable { return reading{m} }

type reading struct{ m *RWMutex }

func (r reading) takeAny(ctx context.Context, c *claim) (Held, error) { return r.m.rw.rlock(ctx, c) }
func (r reading) tryAny() (Held, bool, error)                         { return r.m.TryRLock() }

// RLocker returns l as [WaitAny] takes it together with others who share it.
func (l *FileLock) RLocker() Waitable { return sharing{l} }

type sharing struct{ l *FileLock }

func (s sharing) takeAny(ctx context.Context, c *claim) (Held, error) {
	return s.l.all().wait(ctx, c, "rlock", false)
}
func (s sharing) tryAny() (Held, bool, error) { return s.l.TryRLock() }
