// Package release stores words so that what was stored before is seen with them, without
// waiting until other processors see them.
package release

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// InOrder says that the processor performs stores in the order of the program, so that a
// plain store releases what was stored before it, and nothing need stand between two. The
// compiler keeps the order of stores.
const InOrder = runtime.GOARCH == "amd64"

// Store stores v, after all that was stored before. An atomic store of Go on amd64 also
// waits until other processors see it, which takes as long as getting the cache line back
// from them; loads may overtake this one.
func Store(p *uint64, v uint64) {
	if InOrder {
		*(*uint64)(unsafe.Pointer(p)) = v
	} else {
		atomic.StoreUint64(p, v)
	}
}
