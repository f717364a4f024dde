// Package barrier has memory fences performed in other processes, so that those on the
// fast side of a protocol need none.
//
// One side stores a word and then loads another; the other side stores the second and
// loads the first. Each must see the store of the other, or come second itself. Where
// stores are plain, a load may overtake the store before it in the store buffer. A waiter
// that calls [InAll] between its own store and load makes up for both: what was overtaken
// by then is stored before the waiter looks.
package barrier

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/release"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// Needed says that plain stores are used to publish, so that waiters have to call [InAll].
const Needed = release.InOrder && runtime.GOOS == "linux"

var (
	reached     atomic.Bool
	registering sync.Once
)

// Reached reports whether waiters' calls of [InAll] reach this process: if not, it has to
// publish by operations that fence.
func Reached() bool { return reached.Load() }

// Register has this process reached soon. It doesn't wait for the kernel, which takes some
// 15 ms for it, once.
func Register() {
	if !Needed {
		return
	}
	registering.Do(func() {
		go func() { reached.Store(sys.RegisterMembarrier() == nil) }()
	})
}

// InAll performs a fence in every process that is reached. It fails where the process may
// not have others perform it.
func InAll() error {
	if !Needed {
		return nil
	}
	return sys.Membarrier()
}
