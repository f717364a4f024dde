//go:build race

package ipcsync

import (
	"runtime"
	"unsafe"
)

// raceMark tells the race detector, which doesn't see shared memory, that what
// was before a release is before the acquisitions after it, in this process.
type raceMark struct{ _ byte }

func (m *raceMark) acquire() { runtime.RaceAcquire(unsafe.Pointer(m)) }
func (m *raceMark) release() { runtime.RaceReleaseMerge(unsafe.Pointer(m)) }
