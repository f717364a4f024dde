package shm

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// Config adjusts a segment, struct or latest value. nil and the zero value mean the
// defaults; the functions that take one copy it. An option that means nothing for
// what is called fails with [os.ErrInvalid].
type Config struct {
	// Mode and Allow admit more than this process's own user and the
	// superuser to what this process creates. Mode has permission bits, as a
	// file has them; 0 means 0600. Allow names users, and groups with @ in
	// front, by name, uid, gid or SID. The mode is exact, whatever the umask.
	// On Linux Allow becomes an access control list of the file.
	Mode  fs.FileMode
	Allow []string

	// Trust names users, besides this process's own and the superuser, whose
	// objects Open accepts.
	Trust []string

	// Scope says, on Windows, which log-on sessions meet.
	Scope breezeway.Scope

	// ReadOnly opens memory that this process can't write. It is for the Open
	// functions only: memory that is created must be written.
	ReadOnly bool

	// Fill writes what a new segment begins with. On Linux that happens before
	// other processes can open the segment; on Windows they can open it while
	// Fill runs, so what they look at first must be written last. An error of
	// Fill ends the call, and the segment is not created. OpenOrCreate may call
	// it for a segment that another process then turns out to have created.
	// Segments with a name only.
	Fill func(b []byte) error

	// Populate and HugePages are those of mmap.Config. Memory that is created
	// with HugePages has at least 2 MiB, the size of one.
	Populate  bool
	HugePages bool
}

// settings is a checked copy of a Config.
type settings struct {
	Config
	access access.Rule
}

func (c *Config) settings() (s settings, err error) {
	if c != nil {
		s.Config = *c
	}
	s.access, err = access.New(s.Mode, s.Allow, s.Trust)
	return s, err
}

// opening checks the settings of something that exists.
func (c *Config) opening() (settings, error) {
	s, err := c.settings()
	if err == nil && s.Fill != nil {
		err = fmt.Errorf("%s is for segments that are created (%w)", fail.Go("Config.Fill"), os.ErrInvalid)
	}
	return s, err
}

// creating checks the settings of something new of so many bytes.
func (c *Config) creating(size int64) (settings, error) {
	const hugePage = 2 << 20
	s, err := c.settings()
	switch {
	case err != nil:
		return s, err
	case s.ReadOnly:
		return s, fmt.Errorf("%s is for Open: memory that is created must be written (%w)", fail.Go("Config.ReadOnly"), os.ErrInvalid)
	case s.HugePages && size < hugePage:
		return s, fmt.Errorf("%s with %d bytes: a huge page has %d (%w)", fail.Go("Config.HugePages"), size, hugePage, os.ErrInvalid)
	}
	return s, checkSize(size)
}

// creatingOurs is creating of an object with a header of ours.
func (c *Config) creatingOurs(size int64) (settings, error) {
	s, err := c.creating(size)
	if err == nil && s.Fill != nil {
		err = fmt.Errorf("%s is for segments (%w)", fail.Go("Config.Fill"), os.ErrInvalid)
	}
	return s, err
}

func checkSize(size int64) error {
	switch {
	case size <= 0:
		return fmt.Errorf("a size of %d bytes: give at least 1 (%w)", size, os.ErrInvalid)
	case size > math.MaxInt:
		return fmt.Errorf("a size of %d bytes is more than this process can address (%w)", size, breezeway.ErrTooLarge)
	}
	return nil
}

func (s *settings) mapping() *mmap.Config {
	return &mmap.Config{ReadOnly: s.ReadOnly, Populate: s.Populate, HugePages: s.HugePages}
}

// fill has Config.Fill write to the memory of a new segment.
func (s *settings) fill(m *mmap.Mapping) error {
	if s.Fill == nil {
		return nil
	}
	return m.Borrow(s.Fill)
}

// checkName admits what may name a segment. The names of our own objects and of
// glibc's semaphores are kept apart, since they lie in the same directory.
func checkName(name string) error {
	for _, prefix := range []string{"sem.", "bw."} {
		if strings.HasPrefix(name, prefix) {
			return fmt.Errorf("names that begin with %s are those of other objects; choose another (%w)", prefix, os.ErrInvalid)
		}
	}
	return breezeway.CheckName(name)
}
