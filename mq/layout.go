package mq

import (
	"fmt"
	"io"
	"math/bits"
	"time"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// docs/formats.md has these layouts byte by byte.

const (
	fileKind      = "mq" // in the file's name bw.mq.NAME
	layoutVersion = 1

	slotData      = 64  // bytes of a message in its slot
	blockSize     = 256 // bytes of a block, which has more of a message
	maxDeadLetter = 256
	priorities    = MaxPriority + 1
	deadList      = priorities // of messages to be passed on to the dead-letter queue
)

// head is the queue's own words. Which lines are whose is chosen so that a sender and a
// receiver that run at the same time fetch no line from each other but those of messages.
type head struct {
	// The senders' section, which the mutex in protects. Others read tail, taken and
	// fresh.
	in           robust.MutexHead
	tail         uint64 // position of the next message
	taken        uint64 // blocks that were taken from the ring of free ones
	fresh        uint32 // blocks that have been in use at least once
	lastPriority uint32 // of the message before tail
	_            [4]uint32

	// What both sides read, and write rarely.
	lastChange uint64 // position of the last message whose priority differs from the one before
	arrived    uint32 // gate: waiters for a message
	room       uint32 // gate: waiters for room
	idle       uint32 // gate: waiters until the queue is empty
	rebuild    uint32 // blocks may have been lost: by a process that died
	expiring   uint32 // there may be messages with a time to live
	_          [9]uint32

	// The receivers' section, which the mutex out protects. Others read ready, dead and
	// nextDue.
	out       robust.MutexHead
	nextDue   int64  // when the first lease or delay ends, in Unix nanoseconds; 0: none does
	ready     uint32 // bit p: there is a ready message of priority p in the store
	dead      uint32 // how many messages are to be passed on
	free      uint32 // first free slot of the store, plus 1
	high      uint32 // slots of the store that have been in use at least once
	scheduled uint32 // length of the schedule
	leased    uint32
	delayed   uint32
	_         uint32

	// What the receivers write and senders read.
	head  uint64 // position of the oldest message in the ring
	gone  uint64 // messages that have left the queue
	freed uint64 // blocks that were put into the ring of free ones
	_     [5]uint64

	counts counts
	_      uint64

	// With Sync: the mutex of the one process that writes to the disk, and what is there:
	// all messages before the position synced, and what was in the store when the head was
	// at syncedHead.
	disk       robust.MutexHead
	synced     uint64
	syncedHead uint64
	written    uint32 // gate: waiters until more is on the disk
	_          [5]uint32

	fixed
	lists [priorities + 1]list
	_     [7]uint64
}

// counts are those of Stats that the receivers' section counts.
type counts struct {
	Received, Acknowledged, Redelivered, Expired, Dropped, DeadLettered, Damaged uint64
}

// fixed is what does not change after the creation.
type fixed struct {
	Capacity       uint32 // messages
	Ring           uint32 // slots of the ring, a power of two
	Blocks         uint32
	MaxMessage     uint32
	Full           uint32
	MaxDeliveries  uint32
	LeaseTimeout   int64 // nanoseconds
	Durable        uint32
	DeadLetterSize uint32
	Sync           uint32
	Store          uint32 // slots of the store
	_              [2]uint64
	DeadLetter     [maxDeadLetter]byte
}

// list is a list of slots of the store: numbers of slots, plus 1.
type list struct{ first, last uint32 }

var _ = [robust.CacheLine * 16]byte{} == [unsafe.Sizeof(head{})]byte{}

// slot is a message, or a place for one: in the ring in the order of arrival, or in the
// store.
type slot struct {
	// state says whether there is a message. In the ring it is the message's position
	// plus 1, stored last; in the store see storeState.
	state    uint64
	position uint64

	size     uint32 // of the body
	first    uint32 // block that has what doesn't fit into data, plus 1
	deadline int64  // Unix nanoseconds; 0: none

	due        int64 // in the store: when the lease or delay ends; 0: never
	priority   uint8
	idSize     uint8
	seen       uint8 // in the store: not 0 if it may have been received once more than deliveries says
	_          uint8
	deliveries uint32 // that have begun

	next  uint32 // in the store: the next one of its list, plus 1
	place uint32 // in the store: in the schedule, plus 1
	sum   uint32 // durable queues: CRC-32C
	_     uint32

	data [slotData]byte // ID and body
}

var _ = [2 * robust.CacheLine]byte{} == [unsafe.Sizeof(slot{})]byte{}

// The state of a slot of the store is one word, so that it changes in one step:
//
//	bits  0..1   isFree, isReady, isLeased, isDelayed
//	bits  2..31  how often it was leased, modulo 2^30
//	bits 32..63  the holder of the lease (package liveness)
type storeState uint64

const (
	isFree storeState = iota
	isReady
	isLeased
	isDelayed

	kindBits   storeState = 3
	oneLease   storeState = 4
	leaseBits  storeState = 1<<32 - 4
	holderUnit            = 1 << 32
)

func (s storeState) kind() storeState { return s & kindBits }

// as returns the state of the same slot without a holder.
func (s storeState) as(kind storeState) storeState { return s&leaseBits | kind }

// leasedBy returns the state of the slot leased once more.
func (s storeState) leasedBy(holder uint32) storeState {
	return (s+oneLease)&leaseBits | isLeased | storeState(holder)*holderUnit
}

func (s storeState) holder() uint32 { return uint32(s >> 32) }

// geometry says where the parts of the body are.
type geometry struct {
	fixed
	ring, store, schedule, freeRing, nextBlock, blocks int // offsets
	size                                               int64
}

func (f fixed) geometry() geometry {
	g := geometry{fixed: f}
	off := 0
	part := func(bytes int) int {
		at := off
		off += (bytes + robust.CacheLine - 1) &^ (robust.CacheLine - 1)
		return at
	}
	const slotSize = int(unsafe.Sizeof(slot{}))
	g.ring = part(int(f.Ring) * slotSize)
	g.store = part(int(f.Store) * slotSize)
	g.schedule = part(int(f.Store) * 4)
	g.freeRing = part(int(f.Blocks) * 4)
	g.nextBlock = part(int(f.Blocks) * 4)
	g.blocks = part(int(f.Blocks) * blockSize)
	g.size = int64(off)
	return g
}

// fixed returns what a new queue with these settings begins with.
func (s *settings) fixed(name string) fixed {
	capacity, most, bytes := s.Capacity, s.MaxMessage, s.CapacityBytes
	if capacity == 0 {
		capacity = defaultCapacity
	}
	if most == 0 {
		most = defaultMaxMessage
		if bytes != 0 {
			most = int(min(int64(most), bytes))
		}
	}
	if bytes == 0 {
		bytes = max(defaultCapacityBytes, int64(most))
	}
	f := fixed{
		Capacity:       uint32(capacity),
		Ring:           1 << bits.Len32(uint32(capacity-1)),
		Blocks:         uint32(max((bytes+blockSize-1)/blockSize, blocksFor(most+MaxID))),
		MaxMessage:     uint32(most),
		Full:           uint32(s.Full),
		MaxDeliveries:  uint32(s.MaxDeliveries),
		LeaseTimeout:   int64(s.LeaseTimeout),
		DeadLetterSize: uint32(copy(new([maxDeadLetter]byte)[:], s.DeadLetter)),
	}
	copy(f.DeadLetter[:], s.DeadLetter)
	if isPath(name) {
		f.Durable = 1
	}
	f.Store = f.Capacity
	if s.Sync {
		f.Sync = 1
		f.Store += f.Ring // after a power failure: those that may have left the queue, too
	}
	return f
}

// check fails unless a queue can have been made so, and its body has size bytes.
func (f fixed) check(size int64) error {
	if f.Capacity < 1 || f.Capacity > maxCapacity || f.Ring != 1<<bits.Len32(f.Capacity-1) ||
		f.Blocks > maxBlocks || f.Store < f.Capacity || f.Store > 3*f.Capacity || f.MaxMessage > maxBody ||
		blocksFor(int(f.MaxMessage)+MaxID) > int64(f.Blocks) || Full(f.Full) > FullDrop || f.LeaseTimeout < 0 ||
		f.DeadLetterSize > maxDeadLetter || f.geometry().size != size {
		return fmt.Errorf("its layout is damaged; remove it and create it anew (%w)", breezeway.ErrMismatch)
	}
	return nil
}

// differs fails if a setting that is not zero is another one than the queue has.
func (s *settings) differs(f *fixed) error {
	deadLetter := string(f.DeadLetter[:f.DeadLetterSize])
	for _, o := range []struct {
		name      string
		want, has any
		differs   bool
	}{
		{"Capacity", s.Capacity, f.Capacity, s.Capacity != 0 && uint32(s.Capacity) != f.Capacity},
		{"CapacityBytes", s.CapacityBytes, int64(f.Blocks) * blockSize, s.CapacityBytes != 0 && s.fixed("").Blocks != f.Blocks},
		{"MaxMessage", s.MaxMessage, f.MaxMessage, s.MaxMessage != 0 && uint32(s.MaxMessage) != f.MaxMessage},
		{"Full", s.Full, Full(f.Full), s.Full != 0 && s.Full != Full(f.Full)},
		{"LeaseTimeout", s.LeaseTimeout, time.Duration(f.LeaseTimeout), s.LeaseTimeout != 0 && int64(s.LeaseTimeout) != f.LeaseTimeout},
		{"MaxDeliveries", s.MaxDeliveries, f.MaxDeliveries, s.MaxDeliveries != 0 && uint32(s.MaxDeliveries) != f.MaxDeliveries},
		{"Sync", s.Sync, f.Sync != 0, s.Sync && f.Sync == 0},
		{"DeadLetter", s.DeadLetter, deadLetter, s.DeadLetter != "" && s.DeadLetter != deadLetter},
	} {
		if o.differs {
			return fmt.Errorf("its %s is %v, not %v (%w)", fail.Go("Config."+o.name), o.has, o.want, breezeway.ErrMismatch)
		}
	}
	return nil
}

// layout returns the layout of a queue whose body has so many bytes.
func layoutOf(slots int, body int64) robust.Layout {
	return robust.Layout{
		Kind: fileKind, Version: layoutVersion, Head: int(unsafe.Sizeof(head{})), Slots: slots, Body: body,
		Removed: robust.Removed,
		Gates: []int{
			int(unsafe.Offsetof(head{}.in)) + 8, // its gate
			int(unsafe.Offsetof(head{}.arrived)), int(unsafe.Offsetof(head{}.room)),
			int(unsafe.Offsetof(head{}.idle)), int(unsafe.Offsetof(head{}.written)),
		},
	}
}

// fill writes what a new queue begins with.
func (f *fixed) fill(w io.WriterAt) error {
	_, err := w.WriteAt(unsafe.Slice((*byte)(unsafe.Pointer(f)), unsafe.Sizeof(*f)), int64(unsafe.Offsetof(head{}.fixed)))
	return err
}

// blocksFor returns how many blocks a message takes whose ID and body have so many bytes
// together.
func blocksFor(size int) int64 {
	if size <= slotData {
		return 0
	}
	return (int64(size) - slotData + blockSize - 1) / blockSize
}
