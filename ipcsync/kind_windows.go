package ipcsync

import (
	"errors"
	"fmt"

	"github.com/breezeway-ipc/breezeway/internal/kernelobj"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// isKernels reports whether the objects of a kind are the kernel's.
func (k Kind) isKernels() bool { return k == KindMutex || k == KindSemaphore || k == KindEvent }

// openKernels opens or creates an object of the kernel, as mode says.
func openKernels[T any](mode robust.OpenMode, open, create func() (T, error)) (o T, err error) {
	switch mode {
	case robust.Create:
		return create()
	case robust.Open:
		return open()
	}
	o, _, err = object.OpenOrMake(open, create)
	return o, err
}

func (k Kind) remove(name string, s *settings) error {
	if k.isKernels() {
		return fmt.Errorf("on Windows a %s goes with its last handle: close it in all processes (%w)", k.what(), errors.ErrUnsupported)
	}
	return robust.Remove(kindTable[k].file, name, s.Scope)
}

// path returns where the file of an object is.
func (k Kind) path(name string, s *settings) (string, error) {
	if k.isKernels() {
		return "", errors.ErrUnsupported
	}
	return object.Path(kindTable[k].file, name, s.Scope)
}

func (k Kind) list(s *settings) ([]string, error) {
	if k.isKernels() {
		return kernelobj.List(typeNames[k], s.Scope)
	}
	return robust.List(kindTable[k].file, s.Scope)
}

// typeNames are what the kernel calls the types of its objects.
var typeNames = map[Kind]string{KindMutex: "Mutant", KindSemaphore: "Semaphore", KindEvent: "Event"}

// kernelsRights returns the owner and the access control list of an object of the kernel.
func (k Kind) kernelsRights(name string, s *settings) (owner, sddl string) {
	return kernelobj.Rights(kernelobj.Name(name, s.Scope), kernelOpeners[k])
}
