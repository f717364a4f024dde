package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/mmap"
	"golang.org/x/sys/windows"
)

// handle is the section, whose name lasts as long as a handle of it is open.
type handle struct{ section windows.Handle }

func (h handle) file() *os.File { return nil }
func (h handle) release() error {
	return os.NewSyscallError("CloseHandle", windows.CloseHandle(h.section))
}

// fullName says in which namespace the name is.
func fullName(name string, scope breezeway.Scope) string {
	if scope == breezeway.Machine {
		return `Global\` + name
	}
	return `Local\` + name
}

func roundSize(size int64) int64 {
	page := int64(os.Getpagesize())
	return (size + page - 1) / page * page
}

func create(name string, size int64, s *settings) (*Segment, error) {
	security, err := s.access.SecurityAttributes("GRGW")
	if err != nil {
		return nil, err
	}
	full := fullName(name, s.Scope)
	h, err := sys.CreateSection(full, size, security)
	if err != nil {
		return nil, explainSection(err, s.Scope)
	}
	seg, err := attach(h, full, name, size, s)
	if err == nil && s.fill != nil {
		if err = s.fill(seg.Mapping); err != nil {
			seg.Close()
			return nil, err
		}
	}
	return seg, err
}

func open(name string, s *settings) (*Segment, error) {
	p := sys.ReadWrite
	if s.ReadOnly {
		p = sys.ReadOnly
	}
	full := fullName(name, s.Scope)
	h, err := sys.OpenSection(full, p)
	if err != nil {
		return nil, explainSection(err, s.Scope)
	}
	owner, err := sys.OwnerOf(h, windows.SE_KERNEL_OBJECT)
	if err == nil {
		if err = s.access.Trusts(owner); err != nil {
			err = fmt.Errorf("it belongs to %s: %w", owner.User(), err)
		}
	}
	if err != nil {
		windows.CloseHandle(h)
		return nil, err
	}
	return attach(h, full, name, 0, s)
}

func openOrCreate(name string, size int64, s *settings) (*Segment, error) {
	const tries = 100 // the last handle may be closed between the two
	var err error
	for range tries {
		var seg *Segment
		if seg, err = open(name, s); !errors.Is(err, fs.ErrNotExist) {
			return seg, err
		}
		if seg, err = create(name, size, s); !errors.Is(err, fs.ErrExist) {
			return seg, err
		}
	}
	return nil, err
}

// attach maps the section, which belongs to the Segment from now on. size is that
// of a new one, whose pages are then cut to it, or 0.
func attach(h windows.Handle, full, name string, size int64, s *settings) (*Segment, error) {
	cfg := s.mapping()
	cfg.Length = size
	m, err := mmap.MapSection(h, full, cfg)
	if err != nil {
		windows.CloseHandle(h)
		return nil, err
	}
	return &Segment{Mapping: m, name: name, created: size > 0, handle: handle{h}}, nil
}

func explainSection(err error, scope breezeway.Scope) error {
	switch {
	case errors.Is(err, windows.ERROR_INVALID_HANDLE):
		return fmt.Errorf("the name is that of a semaphore, mutex, event or timer: they share one namespace (%w): %w", breezeway.ErrMismatch, err)
	case errors.Is(err, fs.ErrPermission) && scope == breezeway.Machine:
		return fmt.Errorf("another user's, or this user lacks the privilege to create global objects, SeCreateGlobalPrivilege, which services and administrators have (%w)", err)
	case errors.Is(err, windows.ERROR_COMMITMENT_LIMIT):
		return fmt.Errorf("the system has not so much memory and paging file left (%w)", err)
	}
	return err
}

func remove(string) error {
	return fmt.Errorf("a segment on Windows goes with its last handle: close it in all processes (%w)", errors.ErrUnsupported)
}

func list() ([]Info, error) {
	return nil, fmt.Errorf("this system does not list sections (%w)", errors.ErrUnsupported)
}

func (s *Segment) resize(int64) (*Segment, error) {
	return nil, fmt.Errorf("a section's size is fixed on Windows; create another (%w)", errors.ErrUnsupported)
}
