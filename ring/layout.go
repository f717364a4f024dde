package ring

import (
	"fmt"
	"io"
	"math/bits"
	"reflect"
	"sync/atomic"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/internal/plain"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// docs/formats.md has these layouts byte by byte.

const (
	fileKind      = "ring" // in the file's name bw.ring.NAME
	layoutVersion = 1

	wordSize  = 8
	byteCell  = robust.CacheLine // size of the cells of a ring of byte records
	bytesType = "bytes"          // in place of the description of a type
	maxType   = 32 << 10
)

// head is the ring's own words, a cache line for each group of writers.
type head struct {
	// sender is a robust.Owner: which process may send, if only one may. Remove marks it.
	sender atomic.Uint64
	_      uint64
	lock   robust.MutexHead // held while the records of dead senders are ended
	_      [3]uint64

	// What waiters write, and what the others look at.
	arrived uint32 // gate: receivers that wait for a record
	room    uint32 // gate: senders that wait for room
	strict  uint32 // a waiter can't use membarrier(2): see waiter
	_       [13]uint32

	// What senders write with each message.
	tail atomic.Uint64 // position after the last record
	_    [7]uint64

	// What the sender of a Broadcast writes before it overwrites records: the position of the
	// oldest one that is kept, and how many messages there were before it, twice; see
	// core.oldestRecord. aim is the next oldest.
	oldest, number, numberAgain, aim atomic.Uint64
	_                                [4]uint64

	fixed
}

// fixed is what does not change after the creation.
type fixed struct {
	Cells     uint64 // a power of two
	CellSize  uint32 // bytes, a multiple of CacheLine
	Size      uint32 // bytes of a message; 0: each has its own
	Shape     uint32
	Slow      uint32
	Receivers uint32
	TypeSize  uint32 // bytes of the description of the type
	_         [4]uint64
}

// line is what one receiver writes. Its cache line is its own.
type line struct {
	// receiver is a robust.Owner: the process that receives.
	receiver atomic.Uint64
	// cursor is the position of the oldest record that the receiver may still read,
	// times 4, plus isHeld and isGone.
	cursor atomic.Uint64
	// taken is the position after the last record that was received.
	taken atomic.Uint64
	// skipped counts the messages that were overwritten before they were received.
	skipped atomic.Uint64
	_       [4]uint64
}

// The lower bits of line.cursor, which only rings with SlowSkip and SlowDisconnect use.
const (
	isHeld      = 1 // the records from the cursor to taken are being read
	isGone      = 2 // the sender has disconnected the receiver
	cursorShift = 2
)

var (
	_ = [5 * robust.CacheLine]byte{} == [unsafe.Sizeof(head{})]byte{}
	_ = [robust.CacheLine]byte{} == [unsafe.Sizeof(line{})]byte{}
)

func roundUp(n int64) int64 { return (n + robust.CacheLine - 1) &^ (robust.CacheLine - 1) }

func powerOfTwo(n int64) uint64 { return 1 << bits.Len64(uint64(n-1)) }

// Where the parts of the body are.
func (f *fixed) linesAt() int { return int(roundUp(int64(f.TypeSize))) }
func (f *fixed) cellsAt() int { return f.linesAt() + int(f.Receivers)*robust.CacheLine }
func (f *fixed) body() int64  { return int64(f.cellsAt()) + int64(f.Cells)*int64(f.CellSize) }

// variable reports whether each message has a size of its own.
func (f *fixed) variable() bool { return f.Size == 0 }

// maxMessage returns how many bytes a message may have: with a gap before it at the end of
// the ring, and the free cell after it, it must fit.
func (f *fixed) maxMessage() int {
	if !f.variable() {
		return int(f.Size)
	}
	return int(f.Cells/2)*byteCell - wordSize
}

// record is what the messages of a ring are.
type record struct {
	size        int64  // bytes, 0: each has its own
	description string // of the type
}

// recordOf returns the record of a type.
func recordOf(t reflect.Type) (record, error) {
	if err := plain.Check(t); err != nil {
		return record{}, err
	}
	r := record{int64(t.Size()), layout.Describe(t)}
	switch {
	case r.size > maxSize:
		return r, fmt.Errorf("type %v has %d bytes; at most %d are possible (%w)", t, r.size, maxSize, breezeway.ErrTooLarge)
	case len(r.description) > maxType:
		return r, fmt.Errorf("type %v has too many fields: its description has %d bytes, at most %d are possible (%w)", t, len(r.description), maxType, breezeway.ErrTooLarge)
	}
	return r, nil
}

// byteRecord is the record of a ring of bytes.
var byteRecord = record{0, bytesType}

// fixed returns what a new ring with these settings begins with.
func (s *settings) fixed(r record) fixed {
	f := fixed{Size: uint32(r.size), Shape: uint32(s.Shape), Slow: uint32(s.Slow), Receivers: 1, TypeSize: uint32(len(r.description))}
	if s.Shape == Broadcast {
		f.Receivers = uint32(s.Receivers)
		if s.Receivers == 0 {
			f.Receivers = defaultReceivers
		}
	}
	if r.size == 0 {
		f.CellSize = byteCell
		n := s.CapacityBytes
		if n == 0 {
			n = defaultCapacityBytes
		}
		f.Cells = max(powerOfTwo(roundUp(n)/byteCell), minByteCells)
		return f
	}
	f.CellSize = uint32(roundUp(wordSize + r.size))
	n := int64(s.Capacity)
	if n == 0 {
		n = max(min(defaultCapacity, defaultRoom/int64(f.CellSize)), minCapacity)
	}
	f.Cells = powerOfTwo(n)
	return f
}

// check fails unless a ring can have been made so, and its body has size bytes.
func (f *fixed) check(size int64) error {
	ok := f.Cells >= 1 && f.Cells <= maxCells && f.Cells&(f.Cells-1) == 0 &&
		f.CellSize >= byteCell && f.CellSize%byteCell == 0 && f.CellSize <= maxSize+byteCell &&
		f.Shape <= uint32(Broadcast) && f.Slow <= uint32(SlowDisconnect) &&
		f.Receivers >= 1 && f.Receivers <= maxReceivers && f.TypeSize <= maxType &&
		f.body() == size
	if f.variable() {
		ok = ok && f.CellSize == byteCell && f.Cells >= minByteCells
	} else {
		ok = ok && int64(f.CellSize) == roundUp(wordSize+int64(f.Size))
	}
	if !ok {
		return fmt.Errorf("its layout is damaged; remove it and create it anew (%w)", breezeway.ErrMismatch)
	}
	return nil
}

// differs fails if a setting that is not zero is another one than the ring has.
func (s *settings) differs(f *fixed, r record) error {
	want := s.fixed(r)
	for _, o := range []struct {
		name      string
		want, has any
		differs   bool
	}{
		{"Capacity", want.Cells, f.Cells, s.Capacity != 0 && want.Cells != f.Cells},
		{"CapacityBytes", want.Cells * byteCell, f.Cells * byteCell, s.CapacityBytes != 0 && want.Cells != f.Cells},
		{"Shape", s.Shape, Shape(f.Shape), uint32(s.Shape) != f.Shape},
		{"Slow", s.Slow, Slow(f.Slow), s.Slow != 0 && uint32(s.Slow) != f.Slow},
		{"Receivers", want.Receivers, f.Receivers, s.Receivers != 0 && want.Receivers != f.Receivers},
	} {
		if o.differs {
			return fmt.Errorf("its %s is %v, not %v (%w)", fail.Go("Config."+o.name), o.has, o.want, breezeway.ErrMismatch)
		}
	}
	return nil
}

// layoutOf returns the layout of a ring whose body has so many bytes.
func layoutOf(slots int, body int64) robust.Layout {
	return robust.Layout{
		Kind: fileKind, Version: layoutVersion, Head: int(unsafe.Sizeof(head{})), Slots: slots, Body: body,
		Removed: robust.Removed,
		Gates: []int{
			int(unsafe.Offsetof(head{}.lock)) + 8, // its gate
			int(unsafe.Offsetof(head{}.arrived)), int(unsafe.Offsetof(head{}.room)),
		},
	}
}

// fill writes what a new ring begins with.
func (f *fixed) fill(w io.WriterAt, slots int, description string) error {
	if slots == 0 {
		slots = robust.DefaultSlots
	}
	_, err := w.WriteAt(unsafe.Slice((*byte)(unsafe.Pointer(f)), unsafe.Sizeof(*f)), int64(unsafe.Offsetof(head{}.fixed)))
	if err != nil {
		return err
	}
	const slotSize = 16
	_, err = w.WriteAt([]byte(description), int64(unsafe.Sizeof(head{}))+roundUp(int64(slots)*slotSize))
	return err
}
