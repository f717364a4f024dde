package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"sync"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// ours is an object with our header: the file bw.KIND.NAME, mapped.
type ours struct {
	*mmap.Mapping
	name    string
	f       *os.File
	created bool

	closing  sync.Once
	closeErr error
	start    int  // of the payload
	trusted  bool // nobody can truncate it but this user and the superuser
}

// headerOf returns what an object of a kind with values of type t begins with.
func headerOf(kind string, version uint16, t reflect.Type, payload int64) (*layout.Header, error) {
	if err := mmap.CheckType(t); err != nil {
		return nil, err
	}
	return &layout.Header{Kind: kind, Version: version, Reader: version, Writer: version, Type: layout.Describe(t), Payload: payload}, nil
}

// openOurs opens the object name, or makes it. One that differs is refused
// before it is mapped.
func openOurs(name string, h *layout.Header, cfg *Config) (o *ours, err error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	if err := breezeway.CheckName(name); err != nil {
		return nil, err
	}
	path, err := object.Path(h.Kind, name, s.Scope)
	if err != nil {
		return nil, err
	}
	header, err := h.Encode()
	if err != nil {
		return nil, err
	}
	o = &ours{name: name, start: len(header)}
	if s.ReadOnly {
		if o.f, err = object.Open(path, s.access, true); errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("there is none, and Config.ReadOnly creates none (%w)", err)
		}
	} else {
		o.f, o.created, err = object.OpenOrCreate(path, h.Total(), s.access, false, func(f *os.File) error {
			_, err := f.WriteAt(header, 0)
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	if err := o.attach(h, &s); err != nil {
		o.f.Close()
		return nil, err
	}
	return o, nil
}

// attach maps the file if it is what h says.
func (o *ours) attach(h *layout.Header, s *settings) error {
	info, err := o.f.Stat()
	if err != nil {
		return err
	}
	if err := h.Check(o.f, info.Size(), !s.ReadOnly); err != nil {
		return err
	}
	// Somebody whom an access control list names shows in the group's bits.
	o.trusted = s.Mode&0o022 == 0 && len(s.Allow) == 0 && info.Mode()&0o022 == 0
	cfg := s.mapping()
	cfg.Length = h.Total()
	o.Mapping, err = mmap.Map(o.f, cfg)
	return err
}

func (o *ours) Close() error {
	o.closing.Do(func() { o.closeErr = errors.Join(o.Mapping.Close(), o.f.Close()) })
	return o.closeErr
}

// removeOurs removes the object name of a kind.
func removeOurs(kind, name string, scope breezeway.Scope) error {
	if err := breezeway.CheckName(name); err != nil {
		return err
	}
	path, err := object.Path(kind, name, scope)
	if err != nil {
		return err
	}
	return object.Remove(path)
}
