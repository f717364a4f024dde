package shm

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// needsMembarrier says that plain stores are used to publish, which loads overtake, so
// that waiters have to call [sys.Membarrier]: see LatestWriter.publish.
const needsMembarrier = storesInOrder && runtime.GOOS == "linux"

// reachedByMembarrier says that waiters' calls of [sys.Membarrier] reach this process.
var reachedByMembarrier atomic.Bool

var registering sync.Once

// registerForMembarrier has this process reached soon. It doesn't wait for the kernel,
// which takes some 15 ms for it, once.
func registerForMembarrier() {
	if !needsMembarrier {
		return
	}
	registering.Do(func() {
		go func() { reachedByMembarrier.Store(sys.RegisterMembarrier() == nil) }()
	})
}
