package object

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// Spec says which of our own objects to create or open, and how it must look.
type Spec struct {
	Header *layout.Header
	Name   string
	Scope  breezeway.Scope
	Access access.Rule
	Map    mmap.Config

	// AnySize accepts an object that has other numbers of slots and bytes than
	// Header.
	AnySize bool

	// Locks says that the object has slots, which take locks of single bytes: without
	// these it is not made.
	Locks bool

	// Fill writes to a new object's payload; nil leaves it zero.
	Fill func(payload io.WriterAt) error
}

// Mapped is one of our own objects: the file bw.KIND.NAME, which begins with a
// header, mapped.
type Mapped struct {
	*mmap.Mapping
	File    *os.File
	Header  *layout.Header // as it was read
	Start   int            // of the payload
	Created bool           // by the call that returned it
	// CanFault says that touching the memory can fault, as the function of that name
	// reports.
	CanFault bool

	closing  sync.Once
	closeErr error
}

// Create makes the object. It fails with [fs.ErrExist] if there is one.
func (s *Spec) Create() (*Mapped, error) {
	path, header, err := s.prepare()
	if err != nil {
		return nil, err
	}
	f, err := Create(path, s.Header.Total(), s.Access, s.fill(header))
	if err != nil {
		return nil, err
	}
	return s.attach(f, true)
}

// Open opens the object. One that differs from the header is refused before it
// is mapped, with [breezeway.ErrMismatch].
func (s *Spec) Open() (*Mapped, error) {
	path, _, err := s.prepare()
	if err != nil {
		return nil, err
	}
	f, err := Open(path, s.Access, s.Map.ReadOnly)
	if err != nil {
		return nil, err
	}
	return s.attach(f, false)
}

// OpenOrCreate opens the object or, if there is none, makes it.
func (s *Spec) OpenOrCreate() (*Mapped, error) {
	if s.Map.ReadOnly {
		m, err := s.Open()
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("there is none, and %s creates none (%w)", fail.Go("Config.ReadOnly"), err)
		}
		return m, err
	}
	path, header, err := s.prepare()
	if err != nil {
		return nil, err
	}
	f, created, err := OpenOrCreate(path, s.Header.Total(), s.Access, false, s.fill(header))
	if err != nil {
		return nil, err
	}
	return s.attach(f, created)
}

func (s *Spec) prepare() (path string, header []byte, err error) {
	if err := CheckName(s.Name); err != nil {
		return "", nil, err
	}
	if header, err = s.Header.Encode(); err != nil {
		return "", nil, err
	}
	path, err = Path(s.Header.Kind, s.Name, s.Scope)
	return path, header, err
}

func (s *Spec) fill(header []byte) func(*os.File) error {
	return func(f *os.File) error {
		if s.Fill != nil {
			if err := s.Fill(io.NewOffsetWriter(f, int64(len(header)))); err != nil {
				return err
			}
		}
		if _, err := f.WriteAt(header, 0); err != nil {
			return err
		}
		return s.tryOut(f)
	}
}

// tryOut fails if the file can't be mapped, or its bytes not be locked. It is called before
// the file has its name, so that an object that can't be used never appears.
func (s *Spec) tryOut(f *os.File) error {
	if s.Locks {
		if _, err := sys.IsByteLocked(f, s.Header.Total()); err != nil {
			return err
		}
	}
	cfg := s.Map
	cfg.Length, cfg.Populate = s.Header.Total(), false
	m, err := mmap.Map(f, &cfg)
	if err != nil {
		return err
	}
	return m.Close()
}

// attach maps the file, if its header is accepted.
func (s *Spec) attach(f *os.File, created bool) (*Mapped, error) {
	o := &Mapped{File: f, Created: created, Start: int(s.Header.Size())} // Accept compares the type, and so the size
	if err := o.mapAs(s); err != nil {
		f.Close()
		return nil, err
	}
	return o, nil
}

func (o *Mapped) mapAs(s *Spec) error {
	info, err := o.File.Stat()
	if err != nil {
		return err
	}
	if o.Header, err = layout.Read(o.File, info.Size()); err != nil {
		return err
	}
	if err := s.accept(o.Header); err != nil {
		return err
	}
	cfg := s.Map
	cfg.Length = o.Header.Total()
	o.CanFault = CanFault(o.File, cfg.Length, s.Access)
	o.Mapping, err = mmap.Map(o.File, &cfg)
	return err
}

func (s *Spec) accept(found *layout.Header) error {
	err := s.Header.Accept(found, !s.Map.ReadOnly)
	if err == nil && !s.AnySize {
		err = s.Header.AcceptSize(found)
	}
	return err
}

// Close ends this process's use of the object, which stays.
func (o *Mapped) Close() error {
	o.closing.Do(func() { o.closeErr = errors.Join(o.Mapping.Close(), o.File.Close()) })
	return o.closeErr
}
