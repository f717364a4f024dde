package shm

import (
	"github.com/breezeway-ipc/breezeway/internal/kernelobj"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// findOpeners sets how many handles of segments there are, and their rights.
func (k Kind) findOpeners(infos []Info, s *settings) {
	open := func(full string) (windows.Handle, error) { return sys.OpenSection(full, sys.ReadOnly) }
	for n := range infos {
		i := &infos[n]
		i.Open = -1
		if k == KindSegment {
			full := kernelobj.Name(i.Name, s.Scope)
			i.Open = kernelobj.CountHandles(full, open)
			_, i.SDDL = kernelobj.Rights(full, open)
		}
	}
}
