package ipcsync

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/kernelobj"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// kernelSemaphore is a semaphore of the kernel.
type kernelSemaphore struct{ object *kernelobj.Object }

func newSemaphore(mode robust.OpenMode, name string, value int, s *settings) (*Semaphore, error) {
	full := kernelobj.Name(name, s.Scope)
	create := func() (*Semaphore, error) {
		h, err := kernelobj.CreateSemaphore(full, int32(value), int32(s.maxPermits()), s.access)
		if err != nil {
			return nil, err
		}
		return newKernelSemaphore(h, name, true, s.maxPermits()), nil
	}
	open := func() (*Semaphore, error) {
		h, most, err := kernelobj.OpenSemaphore(full, s.access)
		if err != nil {
			return nil, err
		}
		return newKernelSemaphore(h, name, false, int(most)), nil
	}
	sem, err := openKernels(mode, open, create)
	if err != nil {
		return nil, err
	}
	if err := sem.checkMax(mode, s.Max); err != nil {
		sem.Close()
		return nil, err
	}
	return sem, nil
}

func newKernelSemaphore(h windows.Handle, name string, created bool, most int) *Semaphore {
	return &Semaphore{name: name, created: created, max: most, permits: kernelSemaphore{kernelobj.NewObject(h)}}
}

func (s kernelSemaphore) acquire(ctx context.Context, c *robust.Claim) error {
	return s.object.Wait(ctx, c, func(h windows.Handle) error {
		_, err := sys.ReleaseSemaphore(h, 1)
		return err
	})
}

func (s kernelSemaphore) tryAcquire(time.Duration) (bool, error) { return s.object.TryWait() }

func (s kernelSemaphore) release(n int) (previous int, err error) {
	err = s.object.Use(func(h windows.Handle) error {
		if n >= 1 && n <= math.MaxInt32 {
			p, err := sys.ReleaseSemaphore(h, int32(n))
			if !errors.Is(err, windows.ERROR_TOO_MANY_POSTS) {
				previous = int(p)
				return err
			}
		}
		have, most, err := sys.QuerySemaphore(h)
		if err != nil {
			return err
		}
		return refuseRelease(n, int(have), int(most))
	})
	return previous, err
}

func (s kernelSemaphore) stats() (stats Stats, err error) {
	stats = Stats{Holders: -1, Waiters: -1}
	err = s.object.Use(func(h windows.Handle) error {
		value, _, err := sys.QuerySemaphore(h)
		stats.Value = int(value)
		return err
	})
	return stats, err
}

func (s kernelSemaphore) close() error { return s.object.Close() }
