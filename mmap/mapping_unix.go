//go:build unix

package mmap

import (
	"errors"
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// system is empty: an address is all that the calls need.
type system struct{}

func keep(*os.File, *Config) (system, error) { return system{}, nil }

// mapSection is for Windows.
func mapSection(*os.File, *Config) (m *Mapping, ok bool, err error) { return nil, false, nil }

// mapGrown maps the range and grows the file, in this order, so that a file that can't
// be mapped stays as it was: once it has grown another process may use what was added.
func mapGrown(f *os.File, c *Config, size int64, lead, n int) ([]byte, error) {
	whole, err := mapRange(f, c, lead, n)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		err = c.advise(whole)
	}
	if err == nil {
		err = grow(f, size, c)
	}
	if err == nil && c.HugePages && n > 0 {
		sys.CollapseHugePages(f, whole)
	}
	if err != nil {
		unmap(whole)
		return nil, err
	}
	return whole, nil
}

func (m *Mapping) flush(pages []byte) error { return sys.FlushMemory(pages) }

// free gives the memory up at once, and the addresses when the collector finds m
// unreachable: until then a late accessor, which holds m, may touch them. It then
// faults, if that can be rescued, and else meets zeros of this process. If the memory
// can't be given up now, it goes with the addresses.
func (m *Mapping) free() error {
	if len(m.whole) == 0 {
		return nil
	}
	vacate := sys.Vacate
	if !m.guarded || m.calls.exposed.Load() {
		vacate = sys.VacateToZeros
	}
	err := withAddresses(func() error { return vacate(m.whole) })
	unmapLater(m)
	return err
}

func explainLock(err error, n int) error {
	if !errors.Is(err, unix.ENOMEM) && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EAGAIN) {
		return err
	}
	limit, ok := lockLimit()
	if !ok || uint64(n) <= limit {
		return err
	}
	return fmt.Errorf("%d bytes exceed what this process may lock, %d bytes; raise it with ulimit -l or LimitMEMLOCK= (%w)", n, limit, err)
}
