package frame

import (
	"encoding/binary"
	"math"
)

// Format is what the header of a message looks like.
type Format struct {
	// Append appends the header of a message of size bytes.
	Append func(b []byte, size int) []byte
	// Parse returns the size that a header announces, or how many bytes it has if these
	// are too few.
	Parse func(head []byte) (size uint64, need int)
	First int // bytes that every header has
	Max   uint64
}

// LittleEndian is the length as an unsigned 32-bit number, the low byte first.
var LittleEndian = Format{
	First: 4,
	Max:   math.MaxUint32,
	Append: func(b []byte, size int) []byte {
		return binary.LittleEndian.AppendUint32(b, uint32(size))
	},
	Parse: func(head []byte) (uint64, int) {
		return uint64(binary.LittleEndian.Uint32(head)), 0
	},
}
