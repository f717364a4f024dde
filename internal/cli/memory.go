package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/shm"
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
	mode, err := o.bits()
	if err != nil {
		return nil, err
	}
	if t.scheme == "shm" {
		seg, err := shm.Open(t.name, &shm.Config{Mode: mode, Allow: o.allow, ReadOnly: readOnly})
		if err != nil {
			return nil, err
		}
		return &memory{seg.Mapping, t, seg.File(), seg.Close}, nil
	}
	if mode != 0 || o.allow != nil {
		return nil, usagef("who may open a file is decided by the file's own permissions; leave --mode and --allow out")
	}
	return mapFile(t, readOnly)
}

func mapFile(t target, readOnly bool) (*memory, error) {
	path := t.path()
	// To open a FIFO or a device could wait, or do something.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("what has that name is no regular file but %v (%w)", info.Mode(), breezeway.ErrMismatch)
	}
	if err != nil {
		return nil, failedFile("open", path, err)
	}
	flags := os.O_RDWR
	if readOnly {
		flags = os.O_RDONLY
	}
	f, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return nil, failedFile("open", path, err)
	}
	m, err := mmap.Map(f, &mmap.Config{ReadOnly: readOnly})
	if err != nil {
		f.Close()
		return nil, err
	}
	return &memory{m, t, f, func() error { return errors.Join(m.Close(), f.Close()) }}, nil
}

// failedFile puts an error of package os into the words of the others.
func failedFile(op, path string, err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		err = e.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && op == "create":
		err = fmt.Errorf("there is no directory %s (%w)", filepath.Dir(path), err)
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("no such file; create it with `ipc create mmap://%s --size BYTES` (%w)", path, err)
	case errors.Is(err, fs.ErrExist):
		err = fmt.Errorf("the file exists; `ipc write` and `ipc read` take it as it is, `ipc rm` removes it (%w)", err)
	}
	return &breezeway.Error{Op: op, Kind: "mmap", Name: path, Err: err}
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
		return fmt.Errorf("the name %s is gone, and nobody finds these bytes any more (%w)", m.target, breezeway.ErrRemoved)
	}
	info, err := m.file.Stat()
	if err == nil && info.Size() < end {
		err = fmt.Errorf("%s was truncated to %d bytes", m.target, info.Size())
	}
	return err
}
