package shm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/mmap"
	"golang.org/x/sys/unix"
)

// handle is the segment's file, kept for Resize and for passing on.
type handle struct{ f *os.File }

func (h handle) file() *os.File { return h.f }
func (h handle) release() error { return h.f.Close() }

func pathOf(name string) string { return filepath.Join(object.Directory, name) }

func roundSize(size int64) int64 { return size }

func create(name string, size int64, s *settings) (*Segment, error) {
	var m *mmap.Mapping
	f, err := object.Create(pathOf(name), size, s.access, s.mapInto(&m))
	return made(f, m, name, err)
}

func open(name string, s *settings) (*Segment, error) {
	f, err := object.Open(pathOf(name), s.access, s.ReadOnly)
	if err != nil {
		return nil, err
	}
	return attach(f, name, s)
}

func openOrCreate(name string, size int64, s *settings) (*Segment, error) {
	var m *mmap.Mapping
	f, created, err := object.OpenOrCreate(pathOf(name), size, s.access, false, s.mapInto(&m))
	if err == nil && !created {
		if m != nil { // another process was faster
			m.Close()
		}
		return attach(f, name, s)
	}
	return made(f, m, name, err)
}

// mapInto maps a file before it gets its name, so that what can't be mapped
// never appears.
func (s *settings) mapInto(m **mmap.Mapping) func(f *os.File) error {
	return func(f *os.File) (err error) {
		if *m != nil {
			(*m).Close() // an attempt that was too late
		}
		if *m, err = mmap.Map(f, s.mapping()); err == nil && s.fill != nil {
			err = s.fill(*m)
		}
		return err
	}
}

// made returns the segment whose file f was made and mapped as m, unless err.
func made(f *os.File, m *mmap.Mapping, name string, err error) (*Segment, error) {
	if err != nil {
		if m != nil {
			m.Close()
		}
		return nil, err
	}
	return &Segment{Mapping: m, name: name, created: true, handle: handle{f}}, nil
}

// attach maps a file that exists. It belongs to the Segment from now on.
func attach(f *os.File, name string, s *settings) (*Segment, error) {
	m, err := mmap.Map(f, s.mapping())
	if err == nil && m.Len() == 0 {
		m.Close()
		err = fmt.Errorf("it has no size yet: whoever is creating it with shm_open has still to call ftruncate, or died before; try again, or remove it (%w)", breezeway.ErrMismatch)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Segment{Mapping: m, name: name, handle: handle{f}}, nil
}

func remove(name string) error { return object.Remove(pathOf(name)) }

func list() (infos []Info, err error) {
	entries, err := os.ReadDir(object.Directory)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || checkName(e.Name()) != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // removed meanwhile
		}
		infos = append(infos, Info{
			Name: e.Name(), Size: info.Size(), Mode: info.Mode().Perm(),
			UID: int(info.Sys().(*syscall.Stat_t).Uid), Modified: info.ModTime(),
		})
	}
	return infos, nil
}

func (s *Segment) resize(size int64) (*Segment, error) {
	if err := object.Resize(s.f, size); err != nil {
		if errors.Is(err, unix.EPERM) {
			return nil, fmt.Errorf("the segment is sealed; its size is fixed (%w): %w", errors.ErrUnsupported, err)
		}
		return nil, err
	}
	m, err := mmap.Map(s.f, nil)
	if err != nil {
		return nil, err
	}
	resized := &Segment{Mapping: m, name: s.name, created: s.created, handle: s.handle}
	// The file has gone over to resized.
	s.closing.Do(func() { s.closeErr = s.Mapping.Close() })
	return resized, nil
}
