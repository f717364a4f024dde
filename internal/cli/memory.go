package cli

import (
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// memory is shared memory or a mapped file that exists.
type memory struct {
	*mmap.Mapping
	target target
	file   *os.File // nil for a segment on Windows
	close  func() error
}

// openMemory opens what t names.
func (o *accessFlags) openMemory(t target, readOnly bool) (*memory, error) {
	r, err := o.rule()
	if err != nil {
		return nil, err
	}
	return t.memory(t, r, readOnly)
}

// span returns how many bytes the range has that begins at off: up to the end
// if length is nil.
func (m *memory) span(off byteSize, length *byteSize) (int64, error) {
	size := int64(m.Len())
	n := size - int64(off)
	if length != nil {
		n = int64(*length)
	}
	if int64(off) > size || n > size-int64(off) {
		return 0, m.beyond(fmt.Sprintf("%d bytes", n), off)
	}
	return n, nil
}

// beyond says that so much doesn't lie within the memory.
func (m *memory) beyond(what string, off byteSize) error {
	if int64(off) > int64(m.Len()) {
		return fmt.Errorf("offset %d is beyond the end: %s has %d bytes", off, m.target, m.Len())
	}
	return fmt.Errorf("%s from offset %d on reach beyond the end: %s has %d bytes", what, off, m.target, m.Len())
}

// lost returns an error once the name no longer leads to these bytes.
func (m *memory) lost(end int64) error {
	if m.file == nil {
		return nil
	}
	removed, err := object.IsRemoved(m.file)
	if err != nil {
		return err
	}
	if removed {
		return fmt.Errorf("the name %s is gone; no other process finds these bytes any more (%w)", m.target, breezeway.ErrRemoved)
	}
	info, err := m.file.Stat()
	if err == nil && info.Size() < end {
		err = fmt.Errorf("%s was truncated to %d bytes", m.target, info.Size())
	}
	return err
}
