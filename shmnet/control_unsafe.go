package shmnet

import "unsafe"

// The memory of a connection begins with the words of its two directions, the one to the
// client first. The rings follow in the same order. Words that different processes write
// lie two cache lines apart, since processors fetch them in pairs.
const (
	controlSize   = 4096
	directionSize = 2048

	writtenAt = 0   // uint64: bytes written so far; the writer's
	readAt    = 128 // uint64: bytes read so far; the reader's
	readerAt  = 256 // uint32: 1 if the reader is parked
	writerAt  = 384 // uint32: if the writer is parked, how much room it waits for
)

// endedBit of the written word says that no more will be written.
const endedBit = 1 << 63

// control points to the words of a direction.
type control struct {
	written, read          *uint64
	readerParked, roomWant *uint32
}

// controlOf returns the words of direction i.
//
// Preconditions:
//   - mem is mapped, on a page, and at least controlSize long;
//   - i is 0 or 1.
func controlOf(mem []byte, i int) control {
	base := unsafe.Pointer(unsafe.SliceData(mem[i*directionSize : controlSize]))
	return control{
		written:      (*uint64)(unsafe.Add(base, writtenAt)),
		read:         (*uint64)(unsafe.Add(base, readAt)),
		readerParked: (*uint32)(unsafe.Add(base, readerAt)),
		roomWant:     (*uint32)(unsafe.Add(base, writerAt)),
	}
}
