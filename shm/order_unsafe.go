package shm

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/release"
)

// copyWords copies src to dst with acquiring loads, one word after the other, so
// that no load that follows happens before. src is aligned to 8 bytes and lies in
// memory that goes on up to the next multiple of 8; T holds no pointers.
func copyWords[T any](dst, src *T) {
	to := unsafe.Slice((*byte)(unsafe.Pointer(dst)), unsafe.Sizeof(*dst))
	words := unsafe.Slice((*uint64)(unsafe.Pointer(src)), (len(to)+7)/8)
	for i := range words {
		word := atomic.LoadUint64(&words[i])
		if rest := to[8*i:]; len(rest) >= 8 {
			binary.NativeEndian.PutUint64(rest, word)
		} else {
			var last [8]byte
			binary.NativeEndian.PutUint64(last[:], word)
			copy(rest, last[:])
		}
	}
}

// setZero sets v to zero. *v = *new(T) would allocate a T that is large. T holds no
// pointers.
func setZero[T any](v *T) { clear(unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))) }

// storeRelease is [release.Store].
func storeRelease(p *atomic.Uint64, v uint64) { release.Store((*uint64)(unsafe.Pointer(p)), v) }

// storeBarrier comes between the last storeRelease to p and further stores, which
// must not happen before. Elsewhere than on amd64 the former was an atomic store,
// which the atomic load of the same word doesn't overtake, and no later store
// overtakes an atomic load.
func storeBarrier(p *atomic.Uint64) {
	if !release.InOrder {
		p.Load()
	}
}
