package ipcsync

import (
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// consistency is what a kernel's mutex doesn't tell of what it protects. It is the
// value of a semaphore beside the mutex, that nobody waits for:
//
//	3 * how often a dead owner was found + condition
//
// The conditions have such an order that each change is one addition, which a kill
// can't interrupt. Only who holds the mutex may change it.
type consistency struct{ semaphore windows.Handle }

type condition int32

const (
	// inconsistent: an owner died and nobody marked it consistent since. If the
	// mutex is free nobody was told so yet, or who was told died.
	inconsistent condition = iota
	unrecoverable
	consistent
	conditions
)

// consistencyMost tells our semaphore from others.
const consistencyMost = math.MaxInt32 - 1

const consistencyKind = "semaphore that belongs to the mutex"

// openConsistency opens the semaphore, or makes it if h says so.
func openConsistency(h how, full string, access access.Rule) (consistency, error) {
	semaphore, err := openKernelSemaphore(h, full, int32(consistent), consistencyMost, access)
	if err != nil {
		return consistency{}, err
	}
	c := consistency{semaphore}
	if err = admitOwner(semaphore, access); err == nil {
		_, _, err = c.get()
	}
	if err != nil {
		windows.CloseHandle(semaphore)
		return consistency{}, fmt.Errorf("%s: %w", full, err)
	}
	return c, nil
}

func (c consistency) get() (now condition, recoveries int32, err error) {
	value, most, err := sys.QuerySemaphore(c.semaphore)
	if err != nil {
		return 0, 0, err
	}
	if most != consistencyMost {
		return 0, 0, fmt.Errorf("a semaphore of another maximum, %d, has the name of the %s (%w)", most, consistencyKind, breezeway.ErrMismatch)
	}
	return condition(value) % conditions, value / int32(conditions), nil
}

// set changes the condition, and with recovered counts a dead owner. An addition
// is positive for inconsistent to the others, for unrecoverable to consistent, and
// for whatever is counted.
func (c consistency) set(from, to condition, recovered bool) error {
	n := to - from
	if recovered {
		n += conditions
	}
	_, err := sys.ReleaseSemaphore(c.semaphore, int32(n))
	if errors.Is(err, windows.ERROR_TOO_MANY_POSTS) {
		err = fmt.Errorf("somebody else has changed the %s (%w): %w", consistencyKind, breezeway.ErrMismatch, err)
	}
	return err
}

// openKernelSemaphore opens a semaphore of the kernel, or makes it.
func openKernelSemaphore(h how, full string, value, most int32, access access.Rule) (semaphore windows.Handle, err error) {
	const tries = 100 // the last handle may be closed between the two
	for range tries {
		semaphore, err = sys.OpenSemaphore(full)
		if h == open || !errors.Is(err, fs.ErrNotExist) {
			break
		}
		var security *windows.SecurityAttributes
		if security, err = access.SecurityAttributes(sys.SemaphoreRights); err != nil {
			break
		}
		semaphore, err = sys.CreateSemaphore(full, value, most, security)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", full, explainKernel(err, "semaphore"))
	}
	return semaphore, nil
}
