package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/mmap"
	"golang.org/x/sys/unix"
)

// handle is the segment's file, kept for Resize and for passing on.
type handle struct {
	f      *os.File
	config mmap.Config // what it was mapped with
}

func (h handle) file() *os.File { return h.f }
func (h handle) release() error { return h.f.Close() }

func pathOf(name string) string { return filepath.Join(object.Directory, name) }

func roundSize(size int64) int64 { return size }

func create(name string, size int64, s *settings) (*Segment, error) {
	var m *mmap.Mapping
	f, err := object.Create(pathOf(name), size, s.access, s.mapInto(&m))
	if err != nil {
		return nil, closeUnused(m, err)
	}
	return newSegment(f, m, name, s), nil
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
	if err != nil {
		return nil, closeUnused(m, err)
	}
	if !created {
		closeUnused(m, nil) // another process was faster
		return attach(f, name, s)
	}
	return newSegment(f, m, name, s), nil
}

// mapInto maps and fills a file before it gets its name, so that what can't be
// mapped never appears.
func (s *settings) mapInto(m **mmap.Mapping) func(f *os.File) error {
	return func(f *os.File) (err error) {
		closeUnused(*m, nil) // of an attempt that was too late
		if *m, err = mmap.Map(f, s.mapping()); err != nil {
			return err
		}
		return s.fill(*m)
	}
}

// closeUnused closes a mapping, if there is one, and returns err.
func closeUnused(m *mmap.Mapping, err error) error {
	if m != nil {
		m.Close()
	}
	return err
}

// newSegment returns the segment whose file f was made and mapped as m.
func newSegment(f *os.File, m *mmap.Mapping, name string, s *settings) *Segment {
	return &Segment{Mapping: m, name: name, created: true, handle: handle{f, *s.mapping()}}
}

// attach maps a file that exists. It belongs to the Segment from now on.
func attach(f *os.File, name string, s *settings) (*Segment, error) {
	m, err := mmap.Map(f, s.mapping())
	if err == nil && m.Len() == 0 {
		m.Close()
		err = fmt.Errorf("it has no size yet: the process that is creating it with shm_open has still to call ftruncate, or died before (%w, %w)", fs.ErrNotExist, breezeway.ErrMismatch)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Segment{Mapping: m, name: name, handle: handle{f, *s.mapping()}}, nil
}

func removeSegment(name string) error { return object.Remove(pathOf(name)) }

func listSegments(*settings) ([]object.Info, error) {
	return object.ListFiles(object.Directory, func(file string) (name string, ok bool) {
		return file, checkName(file) == nil
	})
}

func statSegment(name string, _ *settings) (object.Info, error) {
	return object.Stat(pathOf(name), name)
}

func (s *Segment) resize(size int64) (*Segment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, os.ErrClosed
	}
	var m *mmap.Mapping
	err := s.Borrow(func([]byte) (err error) { // fails if the Mapping alone is closed
		m, err = s.mapResized(size)
		return err
	})
	if errors.Is(err, unix.EPERM) {
		return nil, fmt.Errorf("the segment is sealed; its size is fixed (%w): %w", errors.ErrUnsupported, fail.Bare(err))
	}
	if err != nil {
		return nil, object.ExplainSpace(s.f.Name(), size, fail.Bare(err))
	}
	s.closed = true // the file belongs to the new Segment now
	s.closeErr = s.Mapping.Close()
	return &Segment{Mapping: m, name: s.name, created: s.created, handle: s.handle}, nil
}

// mapResized maps the file at another size. If that fails the file is as it was.
func (s *Segment) mapResized(size int64) (*mmap.Mapping, error) {
	info, err := s.f.Stat()
	if err != nil {
		return nil, err
	}
	cfg := s.config
	if size >= info.Size() {
		cfg.Capacity = size
		return mmap.Map(s.f, &cfg)
	}
	cfg.Length = size
	m, err := mmap.Map(s.f, &cfg)
	if err != nil {
		return nil, err
	}
	if err := s.f.Truncate(size); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}
