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
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// Place is where an object without a name of its own is: in a file or segment that
// processes map, beside the data that it protects. The bytes there are those of a
// named object's file, and have to be zero when it is created.
//
// Whoever has made the memory creates the object in it, before others open it. An
// object maps its bytes by itself: File and what the caller has mapped may be
// closed before it.
type Place struct {
	// File is open for reading and writing: shm's Segment.File, for example. A
	// segment on Windows has none; map a file there.
	File   *os.File
	Offset int64 // in File, a multiple of 64
}

// String returns the file's name and the offset, or nothing without a File.
func (p Place) String() string {
	if p.File == nil {
		return ""
	}
	return p.File.Name() + "+" + strconv.FormatInt(p.Offset, 10)
}

// mapped opens the file once more and maps size bytes.
func (p Place) mapped(size int64) (*os.File, *mmap.Mapping, error) {
	if p.File == nil {
		return nil, nil, fmt.Errorf("a Place needs a File; a segment on Windows has none, map a file there (%w)", os.ErrInvalid)
	}
	if p.Offset < 0 || p.Offset%cacheLine != 0 {
		return nil, nil, fmt.Errorf("offset %d is not a multiple of %d (%w)", p.Offset, cacheLine, os.ErrInvalid)
	}
	f, err := sys.Reopen(p.File)
	if err != nil {
		return nil, nil, err
	}
	m, err := mmap.Map(f, &mmap.Config{Offset: p.Offset, Length: size})
	if err != nil {
		f.Close()
		return nil, nil, errors.Unwrap(err) // whose words are those of package mmap
	}
	return f, m, nil
}

// createIn makes an object with a header in zeros. The first word is stored last:
// until then there is none.
func createIn(m *mmap.Mapping, h *layout.Header, fill func(io.WriterAt) error) error {
	header, err := h.Encode()
	if err != nil {
		return err
	}
	magic, err := mmap.View[atomic.Uint64](m, 0)
	if err != nil {
		return err
	}
	return m.Borrow(func(b []byte) error {
		if magic.Load() != 0 {
			return errOccupied
		}
		clear(b[8:])
		if fill != nil {
			if err := fill(io.NewOffsetWriter(m, h.Size())); err != nil {
				return err
			}
		}
		copy(b[8:], header[8:])
		magic.Store(binary.LittleEndian.Uint64(header))
		return nil
	})
}

var errOccupied = fmt.Errorf("there is something already: the bytes are not zero (%w)", fs.ErrExist)

// checkIn checks that the object is there.
func checkIn(m *mmap.Mapping, h *layout.Header) error {
	magic, err := mmap.AtomicLoad[uint64](m, 0)
	if err == nil && magic == 0 {
		err = fmt.Errorf("nothing was created there (%w)", fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	return h.Check(m, int64(m.Len()), true)
}
