package kernelobj

import (
	"errors"
	"fmt"
	"math"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// consistency remembers beside a kernel mutex what the kernel does not: whether
// an owner died and the data has not been marked consistent since. It is the value
// of a semaphore for which no process waits:
//
//	2 * number of recoveries + condition
//
// Each change is one addition, which a kill can't interrupt:
//
//	inconsistent, marked consistent   +1
//	consistent, owner died            +1, a recovery
//	inconsistent, owner died          +2, a recovery
//
// Only the owner of the mutex changes it.
type consistency struct{ semaphore windows.Handle }

type condition int32

const (
	inconsistent condition = iota
	consistent
	conditions
)

// consistencyMost distinguishes the semaphore from others. Another layout of its
// value needs another maximum.
const consistencyMost = math.MaxInt32 - 2

const consistencyKind = "semaphore that belongs to the mutex"

// openConsistency opens the semaphore with a full name, or with create makes it if
// there is none.
func openConsistency(name string, rule access.Rule, create bool) (c consistency, err error) {
	open := func() (windows.Handle, error) {
		h, _, err := OpenSemaphore(name, rule)
		return h, err
	}
	if create {
		c.semaphore, _, err = object.OpenOrMake(open, func() (windows.Handle, error) {
			return CreateSemaphore(name, int32(consistent), consistencyMost, rule)
		})
	} else {
		c.semaphore, err = open()
	}
	if err != nil {
		return consistency{}, fmt.Errorf("%s: %w", name, err)
	}
	if _, _, err = c.get(); err != nil {
		windows.CloseHandle(c.semaphore)
		return consistency{}, fmt.Errorf("%s: %w", name, err)
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

// markConsistent is called when the condition is inconsistent.
func (c consistency) markConsistent() error { return c.add(consistent - inconsistent) }

// ownerDied counts a recovery and makes the condition inconsistent. now is what it
// was.
func (c consistency) ownerDied(now condition) error {
	return c.add(conditions + inconsistent - now)
}

func (c consistency) add(n condition) error {
	_, err := sys.ReleaseSemaphore(c.semaphore, int32(n))
	if errors.Is(err, windows.ERROR_TOO_MANY_POSTS) {
		err = fmt.Errorf("another program has changed the %s (%w): %w", consistencyKind, breezeway.ErrMismatch, err)
	}
	return err
}
