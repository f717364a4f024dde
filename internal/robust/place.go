package robust

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// Place is where an object without a name stands: in a file that processes map.
type Place struct {
	File   *os.File
	Offset int64 // a multiple of CacheLine
}

// String returns the file's name and the offset, or nothing without a File.
func (p Place) String() string {
	if p.File == nil {
		return ""
	}
	return p.File.Name() + "+" + strconv.FormatInt(p.Offset, 10)
}

// Map opens the file once more and maps size bytes of it.
func (p Place) Map(size int64) (*os.File, *mmap.Mapping, error) {
	if err := p.check(); err != nil {
		return nil, nil, err
	}
	f, err := sys.Reopen(p.File)
	if err != nil {
		return nil, nil, err
	}
	if info, statErr := f.Stat(); statErr == nil && size > info.Size()-p.Offset {
		f.Close()
		return nil, nil, fmt.Errorf("%s: the object takes %d bytes from offset %d on, and the file has %d: make the file larger (%w)",
			fail.Go("Config.At"), size, p.Offset, info.Size(), os.ErrInvalid)
	}
	m, err := mmap.Map(f, &mmap.Config{Offset: p.Offset, Length: size})
	if err != nil {
		f.Close()
		return nil, nil, fail.Bare(err)
	}
	return f, m, nil
}

func (p Place) check() error {
	if p.File == nil {
		return fmt.Errorf("%s has no File; a segment on Windows has none, map a file there (%w)", fail.Go("Config.At"), os.ErrInvalid)
	}
	if p.Offset < 0 || p.Offset%CacheLine != 0 {
		return fmt.Errorf("%s: offset %d is not a multiple of %d (%w)", fail.Go("Config.At"), p.Offset, CacheLine, os.ErrInvalid)
	}
	return nil
}

// ErrOccupied is returned if the bytes where an object is to be created are not zero.
var ErrOccupied = fmt.Errorf("there is something already: the bytes are not zero (%w)", fs.ErrExist)

// Unfinished is the first word of an object that is being created in a place. What a
// process left that was killed creating it may be overwritten.
const Unfinished = 1<<64 - 1

// createIn makes an object with header h in zeros. It stores the first word last:
// until then there is no object.
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
		if err := Begin(magic, b); err != nil {
			return err
		}
		killpoint.Here("place begun")
		clear(b[8:])
		if fill != nil {
			if err := fill(io.NewOffsetWriter(m, h.Size())); err != nil {
				return err
			}
		}
		copy(b[8:], header[8:])
		killpoint.Here("place filled")
		magic.Store(binary.LittleEndian.Uint64(header))
		return nil
	})
}

// Begin marks bytes in which an object is to be created as unfinished, by a word in
// them. It fails with ErrOccupied unless the bytes are zero, or so marked.
func Begin(word *atomic.Uint64, b []byte) error {
	if word.Load() == Unfinished {
		return nil
	}
	if slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) {
		return ErrOccupied
	}
	word.Store(Unfinished)
	return nil
}

// header reads the header of the object in the place.
func (p Place) header() (*layout.Header, error) {
	info, err := p.File.Stat()
	if err != nil {
		return nil, err
	}
	var magic [8]byte
	switch _, err := p.File.ReadAt(magic[:], p.Offset); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("nothing can be at offset %d of %d bytes (%w)", p.Offset, info.Size(), fs.ErrNotExist)
	case err != nil:
		return nil, fail.Bare(err)
	}
	if word := binary.LittleEndian.Uint64(magic[:]); word == 0 || word == Unfinished {
		return nil, fmt.Errorf("nothing was created there (%w)", fs.ErrNotExist)
	}
	size := info.Size() - p.Offset
	return layout.Read(io.NewSectionReader(p.File, p.Offset, size), size)
}
