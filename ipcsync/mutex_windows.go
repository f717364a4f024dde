package ipcsync

import (
	"github.com/breezeway-ipc/breezeway/internal/kernelobj"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// newMutex opens the kernel's mutex with a name, or one of our own layout in a place.
func newMutex(mode robust.OpenMode, name string, s *settings) (*Mutex, error) {
	if s.At.isSet() {
		m, err := newSharedMutex(mode, KindMutex, name, s)
		if err != nil {
			return nil, err
		}
		return m.public(), nil
	}
	kernels, created, err := kernelobj.OpenMutex(mode, name, s.Scope, s.access)
	if err != nil {
		return nil, err
	}
	m := kernelMutex{mutex: kernels, name: name, log: s.Logger}
	return &Mutex{mutex: m, holder: m, name: name, created: created}, nil
}
