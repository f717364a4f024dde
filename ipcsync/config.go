package ipcsync

import (
	"io/fs"
	"log/slog"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
)

// Config adjusts an object. nil and the zero value mean the defaults; the
// functions that take one copy it.
type Config struct {
	// Mode and Allow admit more than this process's own user and the
	// superuser to what this process creates. Mode has permission bits, as a
	// file has them; 0 means 0600. Allow names users, and groups with @ in
	// front, by name, uid, gid or SID. The mode is exact, whatever the umask.
	// On Linux Allow becomes an access control list of the object's file.
	Mode  fs.FileMode
	Allow []string

	// Trust names users, besides this process's own and the superuser, whose
	// objects Open accepts.
	Trust []string

	// Scope says, on Windows, which log-on sessions meet.
	Scope breezeway.Scope

	// Max is how many permits a Semaphore can have at most. 0 means what the
	// system allows, 2147483647. It is written down when the semaphore is
	// created; those who open it get the creator's.
	Max int

	// Track makes a Semaphore remember in an object beside it who holds its
	// permits, so that those of a process that died are given back; Close gives
	// back what is left too. Only who acquired releases: Release of more than this
	// Semaphore holds fails with os.ErrInvalid. All who open the semaphore should
	// track, or what they hold is not known. It is open 504 times at most.
	//
	// On Windows create it with Track too: the semaphore goes with its last
	// handle, what stands beside it doesn't, and would be taken for the next
	// semaphore's of that name unless who creates that one tracks.
	//
	// Acquiring and releasing are steps that one process does at a time. Who is
	// stopped in the middle of one delays the others' until he goes on or dies,
	// also their TryAcquire and Release.
	Track bool

	// ManualReset makes an Event that, once set, lets everybody through until
	// it is reset. Without it a set event lets one through and resets itself.
	// It is written down when the event is created.
	ManualReset bool

	// Flock makes a FileLock take the lock of flock(2), as flock(1) does, instead
	// of fcntl(2)'s. Ranges can't be locked then. All who are to exclude each
	// other must use the same kind. Windows has no such locks; systems other than
	// Linux and Windows use them anyway.
	Flock bool

	// Logger is told what happens behind the caller's back: that a holder died
	// and what was given back. nil is nobody.
	Logger *slog.Logger
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
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	s.access, err = access.New(s.Mode, s.Allow, s.Trust)
	return s, err
}
