//go:build unix

package ipcsync

import "github.com/breezeway-ipc/breezeway/internal/robust"

func newEvent(mode robust.OpenMode, name string, s *settings) (*Event, error) {
	return newSharedEvent(mode, name, s)
}
