package robust

import (
	"fmt"
	"os"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
)

// CacheLine is the alignment of the parts of an object, in bytes.
const CacheLine = 64

// DefaultSlots is the number of slots unless the creator chooses another: with a
// head of one cache line the object has two pages.
const DefaultSlots = 504

// MaxSlots is how many slots a [liveness.Holder] can distinguish.
const MaxSlots = 1<<16 - 3

// slotSize is the size of a [liveness.Entry].
const slotSize = 16

var _ = [slotSize]byte{} == [unsafe.Sizeof(liveness.Entry{})]byte{}

// Layout is the layout of an object in shared memory:
//
//	header            package layout
//	head              the object's own words
//	slots             16 bytes each: liveness.Entry
//	body              what else the kind needs
//
// Each part begins at a multiple of CacheLine.
type Layout struct {
	Kind    string // at most 8 letters: the object's file is bw.KIND.NAME
	Version uint16
	Head    int   // size of the head, a multiple of CacheLine; 0 means CacheLine
	Slots   int   // 1 to MaxSlots; 0 means DefaultSlots
	Body    int64 // size of the body

	// Removed is the bit of the head's first word that Remove sets; 0 if Remove sets
	// none. Gates are the offsets in the head of the gates whose waiters Remove wakes.
	Removed uint64
	Gates   []int
}

// normal returns l with its defaults filled in.
func (l Layout) normal() (Layout, error) {
	if l.Head == 0 {
		l.Head = CacheLine
	}
	if l.Slots == 0 {
		l.Slots = DefaultSlots
	}
	if l.Slots < 1 || l.Slots > MaxSlots {
		return l, fmt.Errorf("%s is %d; give 1 to %d, or 0 for %d (%w)", fail.Go("Config.Slots"), l.Slots, MaxSlots, DefaultSlots, os.ErrInvalid)
	}
	return l, nil
}

// body returns the offset of the body from the head.
func (l Layout) body() int64 {
	return int64(l.Head) + roundUp(int64(l.Slots)*slotSize)
}

func roundUp(n int64) int64 { return (n + CacheLine - 1) &^ (CacheLine - 1) }

func (l Layout) header() *layout.Header {
	return &layout.Header{
		Kind: l.Kind, Version: l.Version, Reader: l.Version, Writer: l.Version,
		Slots: uint32(l.Slots), Payload: l.body() + l.Body,
	}
}

// Size returns how many bytes an object takes, header included; 0 if Slots is out of
// range.
func (l Layout) Size() int64 {
	l, err := l.normal()
	if err != nil {
		return 0
	}
	return l.header().Total()
}

// found returns the layout of an object with the header h, which was read: l's head,
// and its creator's slots and body.
func (l Layout) found(h *layout.Header) (Layout, error) {
	slots := int(h.Slots)
	if slots < 1 || slots > MaxSlots {
		return l, fmt.Errorf("its header says that it has %d slots, which can't be (%w)", slots, breezeway.ErrMismatch)
	}
	l.Slots = slots
	if h.Payload < l.body() {
		return l, fmt.Errorf("its %d slots don't fit into its %d bytes (%w)", slots, h.Payload, breezeway.ErrMismatch)
	}
	l.Body = h.Payload - l.body()
	return l, nil
}
