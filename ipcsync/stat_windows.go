package ipcsync

import (
	"github.com/breezeway-ipc/breezeway/internal/kernelobj"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// kernelOpeners open a kernel object with a full name.
var kernelOpeners = map[Kind]func(string) (windows.Handle, error){
	KindMutex:     sys.OpenMutex,
	KindSemaphore: sys.OpenSemaphore,
	KindEvent:     sys.OpenEvent,
}

// opens returns Stats.Open: of an object of the kernel, the handles besides our own. Of
// a file Windows doesn't tell.
func (k Kind) opens(name string, s *settings) int {
	if !k.isKernels() {
		return -1
	}
	return kernelobj.CountHandles(kernelobj.Name(name, s.Scope), kernelOpeners[k])
}
