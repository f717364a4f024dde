package ipcsync

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// Place is where an object without a name of its own is: in memory that the
// caller maps and shares, beside the data that it protects. All processes give
// the same place; the bytes there are those of a named object's file.
//
// Whoever has made the memory creates the object in it, before others open it.
// The memory must stay mapped until the object is closed: close the object first,
// since Mapping.Close waits for those who wait at the object.
type Place struct {
	// File is what Mapping maps: shm's Segment.File, for example. The system's
	// locks on bytes far beyond its end tell who is alive. It may be closed when
	// the object is.
	File    *os.File
	Mapping *mmap.Mapping
	Offset  int // in Mapping, a multiple of 64
}

func (p Place) String() string { return p.Mapping.Name() + "+" + strconv.Itoa(p.Offset) }

// check checks whether size bytes are there to be used.
func (p Place) check(size int64) error {
	if p.File == nil || p.Mapping == nil {
		return fmt.Errorf("a Place needs the Mapping and its File; a segment on Windows has none, map a file there (%w)", os.ErrInvalid)
	}
	if p.Offset%cacheLine != 0 {
		return fmt.Errorf("offset %d is not a multiple of %d (%w)", p.Offset, cacheLine, os.ErrInvalid)
	}
	if p.Offset < 0 || int64(p.Offset) > int64(p.Mapping.Len())-size {
		return fmt.Errorf("%d bytes from offset %d on reach beyond the mapping's %d (%w)", size, p.Offset, p.Mapping.Len(), os.ErrInvalid)
	}
	if p.Mapping.ReadOnly() {
		return fmt.Errorf("the mapping is read-only (%w)", fs.ErrPermission)
	}
	return nil
}

// create makes the object. The first word of its header is stored last: until
// then there is none.
func (p Place) create(h *layout.Header, fill func(io.WriterAt) error) error {
	header, err := h.Encode()
	if err != nil {
		return err
	}
	magic, err := mmap.View[atomic.Uint64](p.Mapping, p.Offset)
	if err != nil {
		return err
	}
	return p.Mapping.Borrow(func(b []byte) error {
		if magic.Load() != 0 {
			return fmt.Errorf("there is something at offset %d already, which is not zero (%w)", p.Offset, fs.ErrExist)
		}
		object := b[p.Offset:][:h.Total()]
		clear(object[8:])
		if fill != nil {
			if err := fill(io.NewOffsetWriter(p.Mapping, int64(p.Offset)+h.Size())); err != nil {
				return err
			}
		}
		copy(object[8:], header[8:])
		magic.Store(binary.LittleEndian.Uint64(header))
		return nil
	})
}

// open checks that the object is there.
func (p Place) open(h *layout.Header) error {
	magic, err := mmap.AtomicLoad[uint64](p.Mapping, p.Offset)
	if err != nil {
		return err
	}
	if magic == 0 {
		return fmt.Errorf("nothing was created at offset %d (%w)", p.Offset, fs.ErrNotExist)
	}
	err = h.Check(io.NewSectionReader(p.Mapping, int64(p.Offset), h.Total()), h.Total(), true)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}
