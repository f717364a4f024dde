//go:build race

package robust

import (
	"runtime"
	"unsafe"
)

// Order tells the race detector, which doesn't see shared memory, that what was
// before a release is before the acquisitions after it, in this process. It
// changes nothing else.
type Order struct{ _ byte }

// Released is called before something is given up.
func (o *Order) Released() { runtime.RaceReleaseMerge(unsafe.Pointer(o)) }

// Acquired is called after something was taken.
func (o *Order) Acquired() { runtime.RaceAcquire(unsafe.Pointer(o)) }
