package shm

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"
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
