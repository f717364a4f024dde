//go:build race

package robust

import (
	"runtime"
	"unsafe"
)

// Order tells the race detector, which doesn't see shared memory, that a release
// happens before the acquisitions that follow it in this process. It has no other
// effect.
type Order struct{ _ byte }

// Released is called before something is given up.
func (o *Order) Released() { runtime.RaceReleaseMerge(unsafe.Pointer(o)) }

// Acquired is called after something was taken.
func (o *Order) Acquired() { runtime.RaceAcquire(unsafe.Pointer(o)) }
