package ipcsync

import (
	"context"
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Semaphore is a number of permits that processes share. A process acquires one, or
// waits until there is one, and releases it. A permit isn't bound to the process that
// acquired it: without Config.Track any process may release, also what it never
// acquired.
//
// All methods may be called concurrently.
//
// On Linux it is glibc's semaphore, from sem_open in C, and so that of Python's
// multiprocessing.Semaphore and Boost's named_semaphore (docs/interop.md). On
// Windows it is the kernel's, and so .NET's; there it goes with its last handle.
//
// The permits of a process that dies are lost, as in C, unless they are tracked; see
// [Config]. On Linux a process that is killed while it waits stays counted as a
// waiter: each Release then makes a system call in vain.
type Semaphore struct {
	name    string
	created bool
	max     int
	permits permits
	direct  *semaphoreWords // permits, if these are in memory that needs no protection
	order   robust.Order

	closing  sync.Once
	closeErr error
}

// permits is what a [Semaphore] is made of.
type permits interface {
	// acquire waits until it has taken one. With an error it has taken none.
	acquire(ctx context.Context, c *robust.Claim) error
	// tryAcquire takes one if there is one. If permits are tracked it waits for
	// other processes' notes, but no longer than patience.
	tryAcquire(patience time.Duration) (bool, error)
	release(n int) (previous int, err error)
	stats() (Stats, error)
	// close ends this process's waits with os.ErrClosed before it returns.
	close() error
}

// maxPermits is how many permits every system allows.
const maxPermits = math.MaxInt32

// CreateSemaphore makes the semaphore name with value permits.
//
// It fails with [os.ErrExist] if the name is taken, with [os.ErrInvalid] for a bad
// name, a negative value or a negative Config.Max, with [breezeway.ErrTooLarge] if
// value is more than Config.Max or either is more than 2147483647, and with
// [os.ErrPermission] where this user may not create. On Windows, where all named
// objects share one namespace, a name that a segment or the like has fails with
// [breezeway.ErrMismatch].
//
// On Linux only programs that use this package know Config.Max; C, Python and Boost
// can release more.
//
// With Config.At it is what sem_init makes in C with pshared.
func CreateSemaphore(name string, value int, cfg *Config) (*Semaphore, error) {
	return openSemaphore(robust.Create, name, value, cfg)
}

// OpenSemaphore opens the semaphore name, made by any process in any language.
//
// It fails with [os.ErrNotExist] if there is none, with [os.ErrPermission] if this
// user may not open it or it belongs to a user that Config.Trust doesn't name, with
// [os.ErrInvalid] for a bad name, and on Linux with [breezeway.ErrMismatch] for what
// is not a semaphore of a 64-bit glibc: one of musl or of a 32-bit program, one that
// is damaged, or a symbolic link.
func OpenSemaphore(name string, cfg *Config) (*Semaphore, error) {
	return openSemaphore(robust.Open, name, 0, cfg)
}

// OpenOrCreateSemaphore opens the semaphore name as it is or, if there is none, makes
// it with value permits. If several processes do so at the same time, one creates it
// and the others open it; [Semaphore.Created] tells which. It fails as
// [CreateSemaphore] and [OpenSemaphore] do, and with [breezeway.ErrMismatch] if the
// semaphore has another maximum than Config.Max says.
func OpenOrCreateSemaphore(name string, value int, cfg *Config) (*Semaphore, error) {
	return openSemaphore(robust.OpenOrCreate, name, value, cfg)
}

func openSemaphore(mode robust.OpenMode, name string, value int, cfg *Config) (*Semaphore, error) {
	return openAs(KindSemaphore, mode, name, cfg, func(s *settings) (*Semaphore, error) {
		if mode != robust.Open {
			if err := s.checkPermits(value); err != nil {
				return nil, err
			}
		}
		open := func() (*Semaphore, error) { return newSemaphore(mode, name, value, s) }
		switch {
		case s.At.isSet():
			return newSemaphoreAt(mode, value, s)
		case s.Track:
			return newTracked(mode, name, s, open)
		}
		return open()
	})
}

// checkMax refuses a semaphore that exists with another maximum than s asks for.
func (s *Semaphore) checkMax(mode robust.OpenMode, wanted int) error {
	if mode == robust.OpenOrCreate && wanted != 0 && wanted != s.max {
		return fmt.Errorf("its maximum is %d, not %d as %s says (%w)", s.max, wanted, fail.Go("Config.Max"), breezeway.ErrMismatch)
	}
	return nil
}

// newSemaphoreToObserve opens a semaphore, and the object that tracks it, if there is
// one.
func newSemaphoreToObserve(mode robust.OpenMode, name string, s *settings) (*Semaphore, error) {
	sem, err := newSemaphore(mode, name, 0, s)
	if err == nil {
		sem.observeTracked(s)
	}
	return sem, err
}

// checkPermits checks how many permits a new semaphore is to have.
func (s *settings) checkPermits(value int) error {
	most := s.maxPermits()
	switch {
	case s.Max < 0:
		return fmt.Errorf("%s is %d; give at least 1, or 0 for no maximum (%w)", fail.Go("Config.Max"), s.Max, os.ErrInvalid)
	case s.Max > maxPermits:
		return fmt.Errorf("%s is %d, at most %d is possible (%w)", fail.Go("Config.Max"), s.Max, maxPermits, breezeway.ErrTooLarge)
	case value < 0:
		return fmt.Errorf("a value of %d permits; give at least 0 (%w)", value, os.ErrInvalid)
	case value > most:
		return fmt.Errorf("a value of %d permits, where at most %d can be (%w)", value, most, breezeway.ErrTooLarge)
	}
	return nil
}

func (s *settings) maxPermits() int {
	if s.Max == 0 {
		return maxPermits
	}
	return s.Max
}

// place returns what s is made of.
func (s *Semaphore) place() permits {
	if s == nil || s.permits == nil {
		return unopenedSemaphore{unopened{KindSemaphore}}
	}
	return s.permits
}

// words returns s.direct, also of a nil Semaphore.
func (s *Semaphore) words() *semaphoreWords {
	if s == nil {
		return nil
	}
	return s.direct
}

// Name returns the semaphore's name.
func (s *Semaphore) Name() string {
	if s == nil {
		return ""
	}
	return s.name
}

// Created reports whether the call that returned s made the semaphore.
func (s *Semaphore) Created() bool { return s != nil && s.created }

// Max returns how many permits there can be at most.
func (s *Semaphore) Max() int {
	if s == nil {
		return 0
	}
	return s.max
}

// Acquire waits until there is a permit and takes it. It fails with [context.Cause]
// within 10 ms of ctx being done, with [os.ErrClosed] after Close, and, if it has to
// wait on Linux, with [breezeway.ErrRemoved] within a second of the semaphore being
// removed. With an error it has taken none. A permit that is there is taken even if
// ctx is done.
func (s *Semaphore) Acquire(ctx context.Context) error {
	if w := s.words(); w != nil && w.takeDirect() {
		s.order.Acquired()
		return nil
	}
	return s.acquire(ctx, nil)
}

func (s *Semaphore) acquire(ctx context.Context, c *robust.Claim) error {
	if err := s.place().acquire(ctx, c); err != nil {
		return s.fail(breezeway.OpAcquire, err)
	}
	s.order.Acquired()
	return nil
}

// Waiter is for [WaitAny], which acquires a permit.
func (s *Semaphore) Waiter() robust.Waiter { return permitWaiter{s} }

type permitWaiter struct{ s *Semaphore }

func (w permitWaiter) Wait(ctx context.Context, c *robust.Claim) (any, error) {
	return nil, w.s.acquire(ctx, c)
}

func (w permitWaiter) Try() (any, bool, error) { return nothingTaken(w.s.tryAcquire(0)) }

// tryBound is how long a TryAcquire waits for other processes' notes.
const tryBound = 10 * time.Millisecond

// TryAcquire takes a permit if there is one, and reports whether it did. It
// doesn't wait. With Config.Track it waits until no other process changes what is
// tracked. That takes microseconds; if it takes 10 ms, because a process is stopped
// there, TryAcquire reports false.
func (s *Semaphore) TryAcquire() (bool, error) { return s.tryAcquire(tryBound) }

func (s *Semaphore) tryAcquire(patience time.Duration) (bool, error) {
	if w := s.words(); w != nil {
		if w.takeDirect() {
			s.order.Acquired()
			return true, nil
		}
		if !w.closed.Load() {
			return false, nil
		}
	}
	ok, err := s.place().tryAcquire(patience)
	if err != nil {
		return false, s.fail(breezeway.OpAcquire, err)
	}
	if ok {
		s.order.Acquired()
	}
	return ok, nil
}

// Release adds n permits, wakes as many waiters, and returns how many permits there
// were before. Without Config.Track it never waits. With Config.Track it waits, as
// long as a process that is stopped while it changes what is tracked, or until Close.
//
// It fails with [os.ErrInvalid] if n is less than 1, or with Config.Track more than
// this Semaphore holds; with [breezeway.ErrTooLarge] if there would be more than Max
// permits; with [breezeway.ErrMismatch] if there are already more than there can be;
// and with [os.ErrClosed] after Close. With an error it has changed nothing, except
// that a Release during Close may have taken place.
func (s *Semaphore) Release(n int) (previous int, err error) {
	if w := s.words(); w != nil {
		s.order.Released()
		previous, err = w.giveDirect(n)
	} else {
		previous, err = s.releaseSlowly(n)
	}
	if err != nil {
		return 0, s.fail(breezeway.OpRelease, err)
	}
	return previous, nil
}

// releaseSlowly is Release if the permits are not in memory that needs no protection.
func (s *Semaphore) releaseSlowly(n int) (previous int, err error) {
	if s != nil {
		s.order.Released()
	}
	return s.place().release(n)
}

// refuseRelease returns why n permits can't be added to those there are.
func refuseRelease(n, have, most int) error {
	switch {
	case n < 1:
		return fmt.Errorf("%d permits; release at least 1 (%w)", n, os.ErrInvalid)
	case have > maxPermits:
		return errTooManyPermits(have)
	}
	return fmt.Errorf("%d more permits than the %d there are would exceed the maximum, %d (%w)", n, have, most, breezeway.ErrTooLarge)
}

func errTooManyPermits(have int) error {
	return fmt.Errorf("it has %d permits, and %d at most are possible: it is damaged; remove it and create it again (%w)", have, maxPermits, breezeway.ErrMismatch)
}

// Value returns how many permits there were a moment ago. If another process has
// damaged the semaphore, it fails with [breezeway.ErrMismatch].
func (s *Semaphore) Value() (int, error) {
	stats, err := s.place().stats()
	return stats.Value, s.fail(breezeway.OpStat, err)
}

// Stats returns how many permits are left, how many wait, and with Config.Track which
// processes hold permits. It fails as Value does.
//
// With Config.Track Waiters is how many goroutines wait in living processes that track.
// Otherwise it is -1 on Windows, and elsewhere an upper bound: the semaphore itself counts
// waiters that sleep, at most one of each process of ours, and one that is killed while it
// sleeps stays counted until the semaphore is removed.
func (s *Semaphore) Stats() (Stats, error) {
	stats, err := s.place().stats()
	if err != nil {
		return Stats{}, s.fail(breezeway.OpStat, err)
	}
	stats.Max = s.max
	return stats, nil
}

// Close ends this process's use of the semaphore. Its waiters get [os.ErrClosed]. With
// Config.Track the permits that s holds are given back, otherwise they stay taken.
// Closing again does nothing.
//
// With Config.Track Close waits, for a second at most, if a process is stopped while it
// changes what is tracked. It then leaves the permits for other processes to give back.
func (s *Semaphore) Close() error {
	if s == nil || s.permits == nil {
		return s.place().close()
	}
	s.closing.Do(func() { s.closeErr = s.fail(breezeway.OpClose, s.permits.close()) })
	return s.closeErr
}

func (s *Semaphore) fail(op string, err error) error {
	return KindSemaphore.fail(op, s.Name(), err)
}

// unopenedSemaphore is what a zero Semaphore is made of.
type unopenedSemaphore struct{ unopened }

func (u unopenedSemaphore) acquire(context.Context, *robust.Claim) error {
	return u.fail(breezeway.OpAcquire)
}
func (u unopenedSemaphore) tryAcquire(time.Duration) (bool, error) {
	return false, u.fail(breezeway.OpAcquire)
}
func (u unopenedSemaphore) release(int) (int, error) { return 0, u.fail(breezeway.OpRelease) }
func (u unopenedSemaphore) stats() (Stats, error)    { return u.Stats() }
func (u unopenedSemaphore) close() error             { return u.Close() }
