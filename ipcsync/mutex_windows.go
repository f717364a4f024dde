package ipcsync

import "github.com/breezeway-ipc/breezeway/internal/robust"

// newMutex comes to the kernel's mutex of a name, or to one of our own in a place.
func newMutex(mode robust.OpenMode, name string, s *settings) (*Mutex, error) {
	if s.At.isSet() {
		m, err := newSharedMutex(mode, KindMutex, name, s)
		if err != nil {
			return nil, err
		}
		return m.public(), nil
	}
	m, created, err := newKernelMutex(mode, name, s)
	if err != nil {
		return nil, err
	}
	return &Mutex{mutex: m, holder: m, name: name, created: created}, nil
}
