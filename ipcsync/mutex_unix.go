//go:build unix

package ipcsync

import "github.com/breezeway-ipc/breezeway/internal/robust"

func newMutex(mode robust.OpenMode, name string, s *settings) (*Mutex, error) {
	m, err := newSharedMutex(mode, KindMutex, name, s)
	if err != nil {
		return nil, err
	}
	return m.public(), nil
}
