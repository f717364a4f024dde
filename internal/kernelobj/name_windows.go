package kernelobj

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// Name returns the full name of a kernel object, with its namespace.
func Name(name string, scope breezeway.Scope) string {
	if scope == breezeway.Machine {
		return `Global\` + name
	}
	return `Local\` + name
}

// Explain says why a kernel object of a kind can't be created or opened, and what to
// do about it.
func Explain(err error, kind string) error {
	switch {
	case errors.Is(err, windows.ERROR_INVALID_HANDLE):
		return fmt.Errorf("the name is taken by an object that is no %s, and segments, semaphores, mutexes, events and timers share one namespace; choose another name (%w, %w)",
			kind, breezeway.ErrMismatch, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the %s exists and doesn't admit this user; let its creator admit it by %s or %s, or choose another name (%w)", kind, fail.Go("Config.Mode"), fail.Go("Config.Allow"), err)
	}
	return err
}

// checkOwner fails if the rule doesn't trust the owner of the object.
func checkOwner(h windows.Handle, rule access.Rule) error {
	owner, err := sys.OwnerOf(h, windows.SE_KERNEL_OBJECT)
	if err == nil {
		if err = rule.Trusts(owner); err != nil {
			err = fmt.Errorf("it belongs to %s: %w", owner.User(), err)
		}
	}
	return err
}
