package mmap

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// system keeps the file that Flush writes through to the disk, if any.
type system struct{ file windows.Handle }

func keep(f *os.File, c *Config) (system, error) {
	if c.ReadOnly || c.CopyOnWrite {
		return system{}, nil
	}
	self := windows.CurrentProcess()
	var s system
	err := windows.DuplicateHandle(self, windows.Handle(f.Fd()), self, &s.file, 0, false, windows.DUPLICATE_SAME_ACCESS)
	runtime.KeepAlive(f)
	return s, os.NewSyscallError("DuplicateHandle", err)
}

// mapSection maps f if it is a section object, and reports whether it is. (That it
// can't be done with a file tells the two apart: what Stat says of a section differs
// between Windows and Wine.)
func mapSection(f *os.File, c *Config) (m *Mapping, ok bool, err error) {
	whole, err := sys.MapSection(windows.Handle(f.Fd()), 0, 0, c.protection())
	runtime.KeepAlive(f)
	if errors.Is(err, windows.ERROR_INVALID_HANDLE) {
		return nil, false, nil
	}
	if err != nil {
		return nil, true, err
	}
	m, err = sectionMapping(whole, f.Name(), c)
	return m, true, err
}

func sectionMapping(whole []byte, name string, c *Config) (*Mapping, error) {
	if c.Offset != 0 || c.Capacity != 0 {
		unmap(whole)
		return nil, fmt.Errorf("a section is mapped from its beginning and does not grow: %s and %s must be 0 (%w)", fail.Go("Config.Offset"), fail.Go("Config.Capacity"), os.ErrInvalid)
	}
	n, err := c.span(int64(len(whole)))
	if err != nil {
		unmap(whole)
		return nil, err
	}
	m := newMapping(whole, 0, name, c)
	m.b = m.b[:n:n]
	m.guarded = true // what stands behind it is not known
	if err := errors.Join(c.advise(whole), m.populate(c)); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// mapGrown grows the file and maps the range, in this order, since nothing can be
// mapped beyond the end. If that fails the file gets its size back, which the system
// refuses while another process has it mapped.
func mapGrown(f *os.File, c *Config, size int64, lead, n int) ([]byte, error) {
	if err := c.advise(nil); err != nil { // that depends on no memory here
		return nil, err
	}
	if err := grow(f, size, c); err != nil {
		return nil, explainMap(err, c)
	}
	whole, err := mapRange(f, c, lead, n)
	if err != nil && c.Capacity != 0 {
		f.Truncate(size)
	}
	return whole, err
}

func (m *Mapping) flush(pages []byte) error {
	if err := sys.FlushMemory(pages); err != nil || m.file == 0 {
		return err
	}
	return os.NewSyscallError("FlushFileBuffers", windows.FlushFileBuffers(m.file))
}

func (m *Mapping) free() error {
	var err error
	if len(m.whole) > 0 {
		err = sys.Unmap(m.whole)
	}
	if m.file != 0 {
		err = errors.Join(err, os.NewSyscallError("CloseHandle", windows.CloseHandle(m.file)))
	}
	return err
}

// withAddresses calls f, which maps memory. There are no addresses to wait for: Close
// gives them back.
func withAddresses(f func() error) error { return f() }

func explainLock(err error, n int) error {
	if errors.Is(err, windows.ERROR_WORKING_SET_QUOTA) {
		return fmt.Errorf("%d bytes exceed the process's working set; raise it with SetProcessWorkingSetSize (%w)", n, err)
	}
	return err
}
