package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/kernelobj"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/mmap"
	"golang.org/x/sys/windows"
)

// handle is the section, whose name lasts as long as a handle of it is open.
type handle struct{ section *os.File }

func (h handle) file() *os.File { return nil }
func (h handle) release() error { return h.section.Close() }

func roundSize(size int64) int64 {
	page := int64(os.Getpagesize())
	return (size + page - 1) / page * page
}

func create(name string, size int64, s *settings) (*Segment, error) {
	security, err := s.access.SecurityAttributes("GRGW")
	if err != nil {
		return nil, err
	}
	full := kernelobj.Name(name, s.Scope)
	h, err := sys.CreateSection(full, size, security)
	if err != nil {
		return nil, explainSection(err, s.Scope)
	}
	seg, err := attach(os.NewFile(uintptr(h), full), name, size, s)
	if err != nil {
		return nil, err
	}
	if err := s.fill(seg.Mapping); err != nil {
		seg.Close()
		return nil, object.Final(err)
	}
	return seg, nil
}

func open(name string, s *settings) (*Segment, error) {
	section, owner, err := openSection(name, s.Scope, s.ReadOnly)
	if err != nil {
		return nil, err
	}
	if err := s.access.Trusts(owner); err != nil {
		section.Close()
		return nil, fmt.Errorf("it belongs to %s: %w", owner.User(), err)
	}
	return attach(section, name, 0, s)
}

// openSection returns the section and its owner.
func openSection(name string, scope breezeway.Scope, readOnly bool) (*os.File, breezeway.Peer, error) {
	p := sys.ReadWrite
	if readOnly {
		p = sys.ReadOnly
	}
	full := kernelobj.Name(name, scope)
	h, err := sys.OpenSection(full, p)
	if err != nil {
		return nil, breezeway.Peer{}, explainSection(err, scope)
	}
	owner, err := sys.OwnerOf(h, windows.SE_KERNEL_OBJECT)
	if err != nil {
		windows.CloseHandle(h)
		return nil, breezeway.Peer{}, err
	}
	return os.NewFile(uintptr(h), full), owner, nil
}

func openOrCreate(name string, size int64, s *settings) (*Segment, error) {
	seg, _, err := object.OpenOrMake(
		func() (*Segment, error) { return open(name, s) },
		func() (*Segment, error) { return create(name, size, s) })
	return seg, err
}

// attach maps the section, which belongs to the Segment from now on. size is that
// of a new one, whose pages are then cut to it, or 0.
func attach(section *os.File, name string, size int64, s *settings) (*Segment, error) {
	cfg := s.mapping()
	cfg.Length = size
	m, err := mmap.Map(section, cfg)
	if err != nil {
		section.Close()
		return nil, err
	}
	return &Segment{Mapping: m, name: name, created: size > 0, handle: handle{section}}, nil
}

func explainSection(err error, scope breezeway.Scope) error {
	switch {
	case errors.Is(err, fs.ErrPermission) && scope == breezeway.Machine:
		return fmt.Errorf("it is another user's and doesn't admit this one, or this user lacks the privilege to create global objects, SeCreateGlobalPrivilege, which services and administrators have; leave %s at breezeway.Session, or run as one of them (%w)", fail.Go("Config.Scope"), err)
	case errors.Is(err, windows.ERROR_COMMITMENT_LIMIT):
		return fmt.Errorf("the system has not enough memory and paging file left; make a smaller segment, or close others (%w)", err)
	}
	return kernelobj.Explain(err, "segment")
}

func removeSegment(string) error {
	return fmt.Errorf("on Windows a segment goes with its last handle: close it in all processes (%w)", errors.ErrUnsupported)
}

// listSegments leaves out segments that this user may not open for reading, except for
// their names.
func listSegments(s *settings) ([]object.Info, error) {
	names, err := kernelobj.List("Section", s.Scope)
	if err != nil {
		return nil, err
	}
	var infos []object.Info
	for _, name := range names {
		if checkName(name) != nil {
			continue
		}
		info, err := statSegment(name, s)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // it is gone by now
		case err != nil:
			info = object.Info{Name: name, Size: -1}
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func statSegment(name string, s *settings) (object.Info, error) {
	section, owner, err := openSection(name, s.Scope, true)
	if err != nil {
		return object.Info{}, err
	}
	defer section.Close()
	m, err := mmap.Map(section, &mmap.Config{ReadOnly: true})
	if err != nil {
		return object.Info{}, err
	}
	return object.Info{Name: name, Size: int64(m.Len()), Owner: owner.User()}, m.Close()
}

func (s *Segment) resize(int64) (*Segment, error) {
	return nil, fmt.Errorf("a section's size is fixed on Windows; create another (%w)", errors.ErrUnsupported)
}
