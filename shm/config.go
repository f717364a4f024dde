package shm

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// Config adjusts a segment. nil and the zero value mean the defaults; the
// functions that take one copy it.
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

	// ReadOnly opens a segment so that this process can't write to it.
	ReadOnly bool

	// Populate and HugePages are those of mmap.Config.
	Populate  bool
	HugePages bool
}

// settings is a checked copy of a Config.
type settings struct {
	Config
	access access.Rule
	fill   func(*mmap.Mapping) error // of what is created; nil leaves it zero
}

func (c *Config) settings() (s settings, err error) {
	if c != nil {
		s.Config = *c
	}
	s.access, err = access.New(s.Mode, s.Allow, s.Trust)
	return s, err
}

// creating checks the settings of something new.
func (c *Config) creating(size int64) (settings, error) {
	s, err := c.settings()
	switch {
	case err != nil:
		return s, err
	case s.ReadOnly:
		return s, fmt.Errorf("Config.ReadOnly is for Open: nobody could write to what is created (%w)", os.ErrInvalid)
	}
	return s, checkSize(size)
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
