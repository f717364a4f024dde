package mq

import (
	"encoding/binary"
	"hash/crc32"
	"sync/atomic"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/release"
)

// The blocks that are free are in a ring: receivers put blocks there, and count them in
// freed; senders take them from there, and count them in taken. Blocks from fresh on have
// never been in use.
//
// A process that dies in between may lose blocks, but no block is ever free and in use: a
// message is gone before its blocks are freed, and blocks are taken before their message
// is sent. rebuildBlocks finds those that were lost.

// freeBlocks frees the blocks of a message that has left the queue. It is called in the
// receivers' section.
func (q *LocalQueue) freeBlocks(first uint32) {
	before := q.h.freed
	freed := before
	for next := first; next != 0; {
		block := next - 1
		if block >= q.made.Blocks || freed-before >= uint64(q.made.Blocks) {
			atomic.StoreUint32(&q.h.rebuild, blocksLost) // overwritten; what is lost is found there
			return
		}
		next = atomic.LoadUint32(&q.nextBlock[block])
		atomic.StoreUint32(&q.freeRing[freed%uint64(q.made.Blocks)], block)
		freed++
	}
	killpoint.Here("mq blocks listed")
	release.Store(&q.h.freed, freed)
}

// rebuildBlocks puts all blocks that no message has into the ring of free ones, if some
// may have been lost. It is called in both sections.
func (q *LocalQueue) rebuildBlocks() error {
	h := q.h
	if atomic.LoadUint32(&h.rebuild) == 0 {
		return nil
	}
	used := make([]bool, q.made.Blocks)
	mark := func(s *slot) {
		for next := s.first; next != 0; {
			block := next - 1
			if block >= q.made.Blocks || used[block] {
				return // overwritten: the message is damaged
			}
			used[block] = true
			next = q.nextBlock[block]
		}
	}
	head, tail := h.head, h.tail
	if tail-head > uint64(q.made.Ring) {
		return errDamaged
	}
	for position := head; position != tail; position++ {
		if s := q.arrivedAt(position); s != nil {
			mark(s)
		}
	}
	for n := range q.storeUsed() {
		if s := &q.store[n]; storeState(s.state).kind() != isFree {
			mark(s)
		}
	}
	fresh := min(h.fresh, q.made.Blocks) // not less, so that freed doesn't fall below what senders have seen
	for block := fresh; block < q.made.Blocks; block++ {
		if used[block] {
			fresh = block + 1
		}
	}
	// If the process dies from here on, it is all done again.
	atomic.StoreUint32(&h.rebuild, rebuilding)
	taken := h.taken
	freed := taken
	for block, inUse := range used[:fresh] {
		if !inUse {
			q.freeRing[freed%uint64(q.made.Blocks)] = uint32(block)
			freed++
		}
	}
	killpoint.Here("mq blocks rebuilt")
	atomic.StoreUint64(&h.freed, freed)
	atomic.StoreUint32(&h.fresh, fresh)
	q.freedSeen = freed
	atomic.StoreUint32(&h.rebuild, 0)
	return nil
}

// The values of head.rebuild.
const (
	blocksLost = 1 // some blocks may be neither free nor in use
	rebuilding = 2 // the ring of free ones is being made anew, and has nothing to take
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum returns the CRC-32C of a message of a durable queue: of its position, size,
// deadline, priority and idSize, of its first 64 bytes, and, for each block, of the
// block's number and bytes. The number is in it since after a power failure the list of
// blocks may be another one, whose bytes are the same.
func (q *LocalQueue) checksum(s *slot, covered *covered) (uint32, error) {
	size := int(s.size) + int(s.idSize)
	covered.header = [...]uint64{s.position, uint64(s.size), uint64(s.deadline), uint64(s.priority)<<8 | uint64(s.idSize)}
	n := copy(covered.data[:], s.data[:min(size, slotData)])
	all := unsafe.Slice((*byte)(unsafe.Pointer(covered)), unsafe.Sizeof(covered.header)+unsafe.Sizeof(covered.data))
	sum := crc32.Update(0, castagnoli, all[:int(unsafe.Sizeof(covered.header))+n])
	next := s.first
	for size -= slotData; size > 0; size -= blockSize {
		block := next - 1
		if block >= q.made.Blocks {
			return 0, errDamaged
		}
		binary.LittleEndian.PutUint32(covered.block[:], block)
		sum = crc32.Update(sum, castagnoli, covered.block[:])
		sum = crc32.Update(sum, castagnoli, q.blocks[int(block)*blockSize:][:min(size, blockSize)])
		next = atomic.LoadUint32(&q.nextBlock[block])
	}
	return sum, nil
}

// covered is where a checksum's first part is put together, since one call costs less than
// two. Each section has one: package crc32 may keep what it is given, so that one on the
// stack would be allocated each time.
type covered struct {
	header [4]uint64
	data   [slotData]byte
	block  [4]byte // its number
}

// verify checks a message of a durable queue. It is called in the receivers' section.
func (q *LocalQueue) verify(s *slot) error {
	if s.size > q.made.MaxMessage || s.idSize > MaxID || s.priority > MaxPriority {
		return errDamaged
	}
	if q.made.Durable == 0 {
		return nil
	}
	if sum, err := q.checksum(s, &q.covered.out); err != nil || sum != s.sum {
		return errDamaged
	}
	return nil
}
