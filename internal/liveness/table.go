package liveness

import (
	"fmt"
	"os"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// Table is the slots of an object. Its methods may be called concurrently.
type Table struct {
	file    *os.File
	base    int64
	entries []Entry
}

// Entry is a slot in shared memory: 16 bytes. A fresh one is zero.
type Entry struct {
	// State has the generation in its upper half. The lower half says, in the
	// object's own terms, what the slot's process holds. Another process may clear
	// it for a dead one, by a compare-and-swap of the whole State.
	State atomic.Uint64
	// Waiting is how many goroutines of the slot's process wait.
	Waiting atomic.Uint32
	// PID is the slot's process, for information only.
	PID atomic.Uint32
}

// Generation returns the generation in the State of an [Entry].
func Generation(state uint64) uint32 { return uint32(state >> 32) }

// Holder names a holder in a word in shared memory:
//
//	bits  0..15  its slot, plus 1
//	bits 16..31  its generation, modulo 2^16
//
// Generations come round after 65,536 processes in one slot. Each of them has taken
// back, or marked as Dead, what the one before it held: see [Table.Join].
type Holder uint32

const (
	None Holder = 0
	// Dead is a holder that is known to be dead.
	Dead Holder = 0xffff
)

func holderOf(slot int, generation uint32) Holder {
	return Holder(generation<<16 | uint32(slot+1))
}

// Slot returns the number of the holder's slot.
func (h Holder) Slot() int { return int(h&0xffff) - 1 }

// SharesSlot reports whether both have the same slot, in any generation.
func (h Holder) SharesSlot(other Holder) bool { return h != None && h.Slot() == other.Slot() }

// NewTable returns the table with these entries. base is the offset of the object in
// the file. Several objects in one file lock different bytes, since an object has
// fewer entries than bytes.
//
// Precondition: the entries stay mapped as long as the table is used.
func NewTable(file *os.File, base int64, entries []Entry) *Table {
	return &Table{file, base, entries}
}

// Entries returns the slots.
func (t *Table) Entries() []Entry { return t.entries }

// Member is a slot that this process has taken.
type Member struct {
	Holder Holder
	Entry  *Entry
	slot   *Slot
}

// Join takes a free slot and begins a new generation in it. Then it calls recover to
// take back what the generation before held; the lower half of State still says what.
// If the process dies before recover has returned, the next process that takes the
// slot calls recover again.
func (t *Table) Join(recover func(*Member) error) (*Member, error) {
	slot, err := takeFirst(t.file, t.base, int64(len(t.entries)))
	if err != nil {
		return nil, err
	}
	if slot == nil {
		return nil, fmt.Errorf("it is in use %d times, which is as often as it can be; close it where it isn't needed (%w)", len(t.entries), breezeway.ErrTooLarge)
	}
	joined := false
	defer func() {
		if !joined { // also when the memory faults
			slot.Release()
		}
	}()
	killpoint.Here("slot locked")
	n := int(slot.number - t.base)
	e := &t.entries[n]
	m := &Member{Entry: e, slot: slot}
	e.Waiting.Store(0)
	e.PID.Store(uint32(os.Getpid()))
	m.Holder = holderOf(n, Generation(e.State.Add(1<<32)))
	killpoint.Here("slot counted")
	if err := recover(m); err != nil {
		return nil, err
	}
	joined = true
	return m, nil
}

// Leave gives the slot up. What the member still holds counts as a dead process's.
func (m *Member) Leave() error { return m.slot.Release() }

// Check returns an error that wraps [breezeway.ErrMismatch] if h can't be a holder,
// so that the word that names it was overwritten.
func (t *Table) Check(h Holder) error {
	if n := h.Slot(); h != Dead && (n < 0 || n >= len(t.entries)) {
		return fmt.Errorf("it names a holder %#x that can't be: it was overwritten; remove it and create it anew (%w)", uint32(h), breezeway.ErrMismatch)
	}
	return nil
}

// IsPast reports whether h, which passed Check, is dead because its slot has a
// later generation. It doesn't ask the kernel.
func (t *Table) IsPast(h Holder) bool {
	if h == Dead {
		return true
	}
	n := h.Slot()
	return holderOf(n, Generation(t.entries[n].State.Load())) != h
}

// Lives reports whether h, which passed Check, lives. If it doesn't, it never will
// again. The caller takes something from it only by a compare-and-swap of the word
// that h was read from.
func (t *Table) Lives(h Holder) (bool, error) {
	if t.IsPast(h) {
		return false, nil
	}
	return t.IsTaken(h.Slot())
}

// PID returns the process id of a living holder, for information only.
func (t *Table) PID(h Holder) int { return int(t.entries[h.Slot()].PID.Load()) }

// IsTaken reports whether a living process has the slot.
func (t *Table) IsTaken(slot int) (bool, error) {
	return sys.IsByteLocked(t.file, FirstByte+t.base+int64(slot))
}
