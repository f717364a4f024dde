//go:build race

package ipcsync

import (
	"runtime"
	"unsafe"
)

// order tells the race detector, which doesn't see shared memory, that what was
// before a release is before the acquisitions after it, in this process. It
// changes nothing else.
type order struct{ _ byte }

func (o *order) released() { runtime.RaceReleaseMerge(unsafe.Pointer(o)) }
func (o *order) acquired() { runtime.RaceAcquire(unsafe.Pointer(o)) }
