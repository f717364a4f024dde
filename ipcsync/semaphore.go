package ipcsync

import (
	"context"
	"fmt"
	"math"
	"os"
	"sync"

	"github.com/breezeway-ipc/breezeway"
)

// Semaphore is a number of permits that processes share: who wants one takes it,
// or waits until there is one, and gives it back. All its methods may be called
// concurrently. A permit belongs to nobody: whoever has the semaphore open may
// release, also what he never acquired.
//
// On Linux it is what sem_open gives in C with glibc, and so Python's
// multiprocessing.Semaphore and Boost's named_semaphore (docs/interop.md); on
// Windows the kernel's semaphore, and so .NET's. There it goes with its last
// handle, on Linux it stays until [RemoveSemaphore].
//
// A process that dies holding permits takes them along, as it does in C, unless
// they are tracked; see [Config]. And one
// that is killed while it waits stays counted as a waiter on Linux: each Release
// then makes a system call in vain. Neither keeps anybody from going on.
type Semaphore struct {
	name    string
	created bool
	max     int
	permits permits
	direct  *semaphoreWords // permits, where that is memory that needs no protection
	order

	closing  sync.Once
	closeErr error
}

// permits is where the permits of a semaphore are.
type permits interface {
	// acquire takes one, or waits. With an error none was taken.
	acquire(ctx context.Context, c *claim) error
	tryAcquire() (bool, error)
	release(n int) (previous int, err error)
	stats() (Stats, error)
	// close ends what waits here, with os.ErrClosed, before it returns.
	close() error
}

const (
	semaphoreKind = "sem"
	// maxPermits is what every system allows.
	maxPermits = math.MaxInt32
)

// CreateSemaphore makes the semaphore name with value permits.
//
// It fails with [os.ErrExist] if the name is taken, with [os.ErrInvalid] for a bad
// name, a negative value or a negative Config.Max, with [breezeway.ErrTooLarge] if
// value is more than Config.Max or either is more than 2147483647, and with
// [os.ErrPermission] where this user may not create. On Windows, where all named
// objects share one namespace, a name that a segment or the like has fails with
// [breezeway.ErrMismatch].
//
// On Linux Config.Max holds for those who use this package. C, Python and Boost
// don't know of it, and can release more.
func CreateSemaphore(name string, value int, cfg *Config) (*Semaphore, error) {
	return openedSemaphore("create", name, cfg, func(s *settings) (*Semaphore, error) {
		if err := s.checkPermits(value); err != nil {
			return nil, err
		}
		return createSemaphore(name, value, s)
	})
}

// OpenSemaphore opens the semaphore name, whoever made it and in whatever
// language.
//
// It fails with [os.ErrNotExist] if there is none, with [os.ErrPermission] if this
// user may not open it, or if it belongs to somebody whom the access rule doesn't
// admit, with [os.ErrInvalid] for a bad name, and with [breezeway.ErrMismatch] for
// what is no semaphore of a 64-bit glibc: one of musl or of a 32-bit program, one
// that is damaged, or a symbolic link.
func OpenSemaphore(name string, cfg *Config) (*Semaphore, error) {
	return openedSemaphore("open", name, cfg, func(s *settings) (*Semaphore, error) {
		return openSemaphore(name, s)
	})
}

// OpenOrCreateSemaphore opens the semaphore name, as it is, or, if there is none,
// makes it with value permits. Of several processes that do it at the same time
// one creates it and the others open it; [Semaphore.Created] tells which. It
// fails as [CreateSemaphore] and [OpenSemaphore] do.
func OpenOrCreateSemaphore(name string, value int, cfg *Config) (*Semaphore, error) {
	return openedSemaphore("open or create", name, cfg, func(s *settings) (*Semaphore, error) {
		if err := s.checkPermits(value); err != nil {
			return nil, err
		}
		return openOrCreateSemaphore(name, value, s)
	})
}

func openedSemaphore(op, name string, cfg *Config, open func(*settings) (*Semaphore, error)) (*Semaphore, error) {
	s, err := cfg.settings()
	if err == nil {
		err = breezeway.CheckName(name)
	}
	var sem *Semaphore
	switch {
	case err != nil:
	case s.Track:
		sem, err = openTracked(name, cfg, func() (*Semaphore, error) { return open(&s) })
	default:
		sem, err = open(&s)
	}
	if err != nil {
		return nil, failed(semaphoreKind, op, name, explainSemaphore(err, name))
	}
	return sem, nil
}

// checkPermits checks how many a new semaphore is to have.
func (s *settings) checkPermits(value int) error {
	most := s.maxPermits()
	switch {
	case s.Max < 0:
		return fmt.Errorf("Config.Max is %d; give at least 1, or 0 for no maximum (%w)", s.Max, os.ErrInvalid)
	case s.Max > maxPermits:
		return fmt.Errorf("Config.Max is %d, at most %d is possible (%w)", s.Max, maxPermits, breezeway.ErrTooLarge)
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

// RemoveSemaphore removes the semaphore name. It fails with [os.ErrNotExist] if
// there is none, with [os.ErrPermission] if it is somebody else's, and with
// [breezeway.ErrMismatch] if what has the name is not a file.
//
// Processes that have it open keep it, but those that wait for a permit get
// [breezeway.ErrRemoved] within a second, as nobody who comes later can help them.
//
// On Windows a semaphore goes with its last handle; RemoveSemaphore fails with
// [errors.ErrUnsupported].
func RemoveSemaphore(name string, cfg *Config) error {
	_, err := cfg.settings()
	if err == nil {
		err = breezeway.CheckName(name)
	}
	if err == nil {
		err = removeSemaphore(name)
	}
	if err == nil {
		err = removeTrack(name, cfg)
	}
	return failed(semaphoreKind, "remove", name, explainSemaphore(err, name))
}

func explainSemaphore(err error, name string) error {
	return explain(err, semaphoreKind, "semaphore", "Semaphore", name)
}

// Name returns the semaphore's name.
func (s *Semaphore) Name() string { return s.name }

// Created reports whether the call that returned s made the semaphore.
func (s *Semaphore) Created() bool { return s.created }

// Max returns how many permits there can be at most.
func (s *Semaphore) Max() int { return s.max }

// Acquire takes a permit, and waits until there is one. With an error it has
// taken none: [context.Cause] within 10 ms of ctx being done, [os.ErrClosed] once
// this process has closed s, and on Linux [breezeway.ErrRemoved] within a second
// of the semaphore being removed, if it has to wait. A permit that is there is
// taken even if ctx is done already.
func (s *Semaphore) Acquire(ctx context.Context) error {
	if w := s.direct; w != nil && w.takeDirect() {
		s.acquired()
		return nil
	}
	if err := s.acquire(ctx, nil); err != nil {
		return s.failed("acquire", err)
	}
	return nil
}

func (s *Semaphore) acquire(ctx context.Context, c *claim) error {
	err := s.permits.acquire(ctx, c)
	if err == nil {
		s.acquired()
	}
	return err
}

// TryAcquire takes a permit if there is one, and reports whether it did. It
// doesn't wait.
func (s *Semaphore) TryAcquire() (bool, error) {
	if w := s.direct; w != nil {
		if w.takeDirect() {
			s.acquired()
			return true, nil
		}
		if !w.closed.Load() {
			return false, nil
		}
	}
	ok, err := s.permits.tryAcquire()
	if err != nil {
		return false, s.failed("try to acquire", err)
	}
	if ok {
		s.acquired()
	}
	return ok, nil
}

// Release gives n permits, wakes so many of those who wait, and returns how many
// permits there were before. It never waits. With Config.Track it gives what this
// Semaphore has acquired.
//
// It fails with [os.ErrInvalid] unless n is at least 1 (and with Config.Track no
// more than it holds), with
// [breezeway.ErrTooLarge] if there would be more than Max permits then, with
// [breezeway.ErrMismatch] if there are more than there can be already, and with
// [os.ErrClosed]; nothing is changed by that. Only of a Release that is overtaken
// by Close it is open whether it took place.
func (s *Semaphore) Release(n int) (previous int, err error) {
	s.released()
	if w := s.direct; w != nil {
		previous, err = w.giveDirect(n)
	} else {
		previous, err = s.permits.release(n)
	}
	if err != nil {
		return 0, s.failed("release", err)
	}
	return previous, nil
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

// Value returns how many permits there were when it looked. What another process
// damaged fails with [breezeway.ErrMismatch].
func (s *Semaphore) Value() (int, error) {
	stats, err := s.permits.stats()
	return stats.Value, s.failed("value", err)
}

// Stats returns what the semaphore tells of itself. It fails as Value does. On
// Windows Waiters is -1.
func (s *Semaphore) Stats() (Stats, error) {
	stats, err := s.permits.stats()
	stats.Max = s.max
	return stats, s.failed("stats", err)
}

// Close ends this process's use of the semaphore: whoever waits by s gets
// [os.ErrClosed]. Permits stay as they are; with Config.Track those that s holds
// are given back. Closing again does nothing.
func (s *Semaphore) Close() error {
	s.closing.Do(func() { s.closeErr = s.failed("close", s.permits.close()) })
	return s.closeErr
}

func (s *Semaphore) failed(op string, err error) error {
	return failed(semaphoreKind, op, s.name, err)
}
