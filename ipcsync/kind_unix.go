//go:build unix

package ipcsync

import "github.com/breezeway-ipc/breezeway/internal/robust"

func (k Kind) remove(name string, s *settings) error {
	if k == KindSemaphore {
		return removeSemaphore(name, s)
	}
	return robust.Remove(kindTable[k].file, name, s.Scope)
}

func (k Kind) list(s *settings) ([]string, error) {
	if k == KindSemaphore {
		return listSemaphores()
	}
	return robust.List(kindTable[k].file, s.Scope)
}
