//go:build unix

package ipcsync

import (
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// isKernels reports whether the objects of a kind are the kernel's.
func (Kind) isKernels() bool { return false }

func (k Kind) remove(name string, s *settings) error {
	if k == KindSemaphore {
		return removeSemaphore(name, s)
	}
	return k.layout(0).Remove(name, s.Scope, s.access)
}

// path returns where the file of an object is.
func (k Kind) path(name string, s *settings) (string, error) {
	if k == KindSemaphore {
		return pathOfSemaphore(name)
	}
	return object.Path(kindTable[k].file, name, s.Scope)
}

func (k Kind) list(s *settings) ([]string, error) {
	if k == KindSemaphore {
		return listSemaphores()
	}
	return robust.List(kindTable[k].file, s.Scope)
}

func (Kind) kernelsRights(string, *settings) (owner, sddl string) { return "", "" }
