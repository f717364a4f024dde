package ipcsync

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// kernelName says in which namespace the name of a kernel object is.
func kernelName(name string, scope breezeway.Scope) string {
	if scope == breezeway.Machine {
		return `Global\` + name
	}
	return `Local\` + name
}

// explainKernel says what is in the way of creating or opening a kernel object.
// what is what it should be.
func explainKernel(err error, what string) error {
	switch {
	case errors.Is(err, windows.ERROR_INVALID_HANDLE):
		return fmt.Errorf("the name is that of another kind of object than a %s: segments, semaphores, mutexes, events and timers share one namespace (%w): %w",
			what, breezeway.ErrMismatch, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the %s exists and doesn't admit this user; whoever creates it says by Config.Mode and Config.Allow whom it admits (%w)", what, err)
	}
	return err
}

// admitOwner refuses a kernel object that belongs to somebody whom the rule doesn't
// admit.
func admitOwner(h windows.Handle, a access.Rule) error {
	owner, err := sys.OwnerOf(h, windows.SE_KERNEL_OBJECT)
	if err == nil {
		if err = a.Trusts(owner); err != nil {
			err = fmt.Errorf("it belongs to %s: %w", owner.User(), err)
		}
	}
	return err
}
