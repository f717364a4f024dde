package mmap

import (
	"fmt"
	"math"
	"os"

	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// Config adjusts a mapping. nil and the zero value map the whole file, readable
// and writable, as it is. Map copies it.
type Config struct {
	// Offset is where in the file the mapping begins, in bytes. Any offset is
	// possible; a multiple of 64 KiB is aligned for every type on every
	// system.
	Offset int64

	// Length is how many bytes are mapped. 0 means up to the end of the file,
	// which may be no byte at all.
	Length int64

	// Capacity grows the file to so many bytes, with zeros, and reserves
	// storage for all of it, so that a full disk is an error here and not a
	// fault later. 0 leaves the file as it is; less than its size is an error.
	// If Map fails the file is as it was, except that holes may have got
	// storage.
	Capacity int64

	// ReadOnly maps memory that can't be written. A file opened for reading
	// needs it, or CopyOnWrite.
	ReadOnly bool

	// CopyOnWrite keeps what is written in this process: the file and other
	// processes never see it. What others write shows until the page is
	// written here.
	CopyOnWrite bool

	// Populate reads all of it in before Map returns, so that the first touch
	// of a page costs little. Map fails with io.ErrUnexpectedEOF if a page
	// can't be had: of a hole in a file on a tmpfs that is full, for one.
	Populate bool

	// HugePages has the memory in pages of 2 MiB as far as the system finds
	// any free. Where it gives none to the mapping, Map fails with
	// errors.ErrUnsupported. On Linux it gives them to 2 MiB and more of a
	// file on a tmpfs that is mounted with huge=advise or huge=always, as
	// /dev/shm isn't by default, and of a memfd if
	// /sys/kernel/mm/transparent_hugepage/shmem_enabled says advise or always.
	HugePages bool

	// Advice says how the memory will be used. Windows takes only Normal and
	// fails on others with errors.ErrUnsupported.
	Advice Advice
}

// Advice says how mapped memory will be used. The system may heed it.
type Advice int

const (
	Normal     = Advice(sys.Normal)     // no particular order
	Sequential = Advice(sys.Sequential) // from low to high: read far ahead, drop behind
	Random     = Advice(sys.Random)     // don't read ahead
	WillNeed   = Advice(sys.WillNeed)   // soon: start to read it in
	DontNeed   = Advice(sys.DontNeed)   // not soon: its memory may go; the file keeps what was written
)

func (a Advice) String() string {
	switch a {
	case Normal:
		return "normal"
	case Sequential:
		return "sequential"
	case Random:
		return "random"
	case WillNeed:
		return "will need"
	case DontNeed:
		return "don't need"
	}
	return fmt.Sprintf("advice %d", int(a))
}

func (c *Config) check() error {
	switch {
	case c.Offset < 0:
		return fmt.Errorf("%s %d is negative (%w)", fail.Go("Config.Offset"), c.Offset, os.ErrInvalid)
	case c.Length < 0 || c.Length > math.MaxInt:
		return fmt.Errorf("%s %d is not within 0 and %d (%w)", fail.Go("Config.Length"), c.Length, math.MaxInt, os.ErrInvalid)
	case c.Capacity < 0:
		return fmt.Errorf("%s %d is negative (%w)", fail.Go("Config.Capacity"), c.Capacity, os.ErrInvalid)
	case c.ReadOnly && c.CopyOnWrite:
		return fmt.Errorf("%s and %s exclude each other (%w)", fail.Go("Config.ReadOnly"), fail.Go("Config.CopyOnWrite"), os.ErrInvalid)
	case c.Capacity != 0 && (c.ReadOnly || c.CopyOnWrite):
		return fmt.Errorf("%s %d grows the file and reserves storage, which a read-only or copy-on-write mapping can't (%w)",
			fail.Go("Config.Capacity"), c.Capacity, os.ErrPermission)
	case c.Advice == DontNeed && c.CopyOnWrite:
		return errLosesCopies
	}
	return c.Advice.check()
}

func (a Advice) check() error {
	if a < Normal || a > DontNeed {
		return fmt.Errorf("%v is none of Normal, Sequential, Random, WillNeed, DontNeed (%w)", a, os.ErrInvalid)
	}
	return nil
}

// errLosesCopies refuses to drop memory that is the only copy of what was written.
var errLosesCopies = fmt.Errorf("DontNeed on a copy-on-write mapping would throw away what was written to it (%w)", os.ErrInvalid)

func (c *Config) protection() sys.Protection {
	switch {
	case c.ReadOnly:
		return sys.ReadOnly
	case c.CopyOnWrite:
		return sys.CopyOnWrite
	}
	return sys.ReadWrite
}
