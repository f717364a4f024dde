package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// kernelSemaphore is a semaphore of the kernel.
type kernelSemaphore struct{ *kernelObject }

func createSemaphore(name string, value int, s *settings) (*Semaphore, error) {
	security, err := s.access.SecurityAttributes(sys.SemaphoreRights)
	if err != nil {
		return nil, err
	}
	h, err := sys.CreateSemaphore(kernelName(name, s.Scope), int32(value), int32(s.maxPermits()), security)
	if err != nil {
		return nil, explainKernel(err, "semaphore")
	}
	return kernelSemaphoreOf(h, name, true, s.maxPermits()), nil
}

func openSemaphore(name string, s *settings) (*Semaphore, error) {
	h, err := sys.OpenSemaphore(kernelName(name, s.Scope))
	if err != nil {
		return nil, explainKernel(err, "semaphore")
	}
	var most int32
	if err = admitOwner(h, s.access); err == nil {
		_, most, err = sys.QuerySemaphore(h)
	}
	if err != nil {
		windows.CloseHandle(h)
		return nil, err
	}
	return kernelSemaphoreOf(h, name, false, int(most)), nil
}

func openOrCreateSemaphore(name string, value int, s *settings) (sem *Semaphore, err error) {
	const tries = 100 // the last handle may be closed between the two
	for range tries {
		if sem, err = openSemaphore(name, s); !errors.Is(err, fs.ErrNotExist) {
			return sem, err
		}
		if sem, err = createSemaphore(name, value, s); !errors.Is(err, fs.ErrExist) {
			return sem, err
		}
	}
	return nil, err
}

func kernelSemaphoreOf(h windows.Handle, name string, created bool, most int) *Semaphore {
	return &Semaphore{name: name, created: created, max: most, permits: kernelSemaphore{newKernelObject(h)}}
}

func removeSemaphore(string) error {
	return fmt.Errorf("a semaphore on Windows goes with its last handle: close it in all processes (%w)", errors.ErrUnsupported)
}

func (s kernelSemaphore) acquire(ctx context.Context, c *claim) error {
	return s.wait(ctx, c, func(h windows.Handle) error {
		_, err := sys.ReleaseSemaphore(h, 1)
		return err
	})
}

func (s kernelSemaphore) tryAcquire() (bool, error) { return s.tryWait() }

func (s kernelSemaphore) release(n int) (previous int, err error) {
	err = s.use(func(h windows.Handle) error {
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
	err = s.use(func(h windows.Handle) error {
		value, _, err := sys.QuerySemaphore(h)
		stats.Value = int(value)
		return err
	})
	return stats, err
}
