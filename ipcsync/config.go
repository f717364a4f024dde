package ipcsync

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Config adjusts an object. nil and the zero value mean the defaults; the
// functions that take one copy it. An option that means nothing for the kind of
// object fails with [os.ErrInvalid].
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

	// At is a place in shared memory for an object without a name. The name is
	// "" then. Create and Open take it; OpenOrCreate with it, and At together
	// with a name, fail with [os.ErrInvalid].
	At Place

	// Slots is how often an object of our own layout can be open at the same
	// time, in all processes together: 1 to 65533; 0 means 504. Each slot costs
	// 16 bytes. The number is fixed when the object is created. Open ignores it;
	// OpenOrCreate fails with [breezeway.ErrMismatch] if it is not 0 and the
	// object has another one. Mutexes and events on Windows, which are the
	// kernel's, have no such limit and ignore it; a Semaphore has slots only with
	// Track.
	Slots int

	// Max is how many permits a Semaphore can have at most. 0 means what the
	// system allows, 2147483647. It is fixed when the semaphore is created. Open
	// ignores it; OpenOrCreate fails with [breezeway.ErrMismatch] if it is not 0
	// and the semaphore has another one.
	Max int

	// Track makes a Semaphore note in an object beside it which processes hold
	// its permits, so that those of a process that died are given back. Close
	// gives back what this process still holds. A process can then release only
	// what it acquired: Release of more fails with [os.ErrInvalid]. Every process
	// that opens the semaphore should track: what others hold is not known, and
	// not given back. The semaphore can be open 504 times, or as Slots says.
	//
	// On Windows the creator should track too. The semaphore goes with its last
	// handle, but the object beside it stays. Unless the creator of the next
	// semaphore of that name tracks, old counts are taken for the new one's.
	//
	// One process at a time acquires or releases. If it is stopped in the middle,
	// the others are delayed until it goes on or dies, also their TryAcquire and
	// Release.
	Track bool

	// ManualReset makes an Event that, once set, lets every wait through until
	// it is reset. Without it a set event lets one wait through and resets
	// itself. It is fixed when the event is created. Open ignores it;
	// OpenOrCreate of an event of the other sort fails with
	// [breezeway.ErrMismatch].
	ManualReset bool

	// Flock makes a FileLock take the lock of flock(2), as flock(1) does, instead
	// of fcntl(2)'s. Ranges can't be locked then. The two sorts don't exclude each
	// other. Windows has no such locks ([errors.ErrUnsupported]); systems other
	// than Linux and Windows always use them.
	Flock bool

	// Logger gets what no call returns: that a holder died, and what was given
	// back. nil means no log.
	Logger *slog.Logger
}

// Place is where an object without a name stands: in a file or segment that
// processes map, beside the data that it protects. The bytes there are those of a
// named object's file, and must be zero when it is created. It takes [Size] bytes;
// with Config.Slots 128 + 16 * Slots bytes, rounded up to a multiple of 64; a
// semaphore takes [SemaphoreSize].
//
// The process that made the memory creates the object, before others open it. The
// object maps its bytes by itself: File, and what the caller has mapped, may be
// closed before the object is.
type Place struct {
	// File is open for reading and writing: shm's Segment.File, for example. A
	// segment on Windows has none; map a file there.
	File   *os.File
	Offset int64 // in File, a multiple of 64
}

func (p Place) isSet() bool { return p != Place{} }

// option is a field of Config that only some kinds have.
type option struct {
	name  string
	set   bool
	kinds []Kind
}

func (c *Config) options() []option {
	own := []Kind{KindMutex, KindRWMutex, KindEvent, KindBarrier, KindCond}
	slots := append(own, KindLeader)
	if c.Track {
		slots = append(slots, KindSemaphore)
	}
	return []option{
		{"At", c.At.isSet(), append(own, KindSemaphore)},
		{"Slots", c.Slots != 0, slots},
		{"Max", c.Max != 0, []Kind{KindSemaphore}},
		{"Track", c.Track, []Kind{KindSemaphore}},
		{"ManualReset", c.ManualReset, []Kind{KindEvent}},
		{"Flock", c.Flock, []Kind{fileLockKind}},
	}
}

// settings is a checked copy of a Config.
type settings struct {
	Config
	access  access.Rule
	observe bool // the object is opened for its Stats, and takes no slot
}

func (c *Config) settings(kind Kind) (s settings, err error) {
	if c != nil {
		s.Config = *c
	}
	for _, o := range s.options() {
		if o.set && !slices.Contains(o.kinds, kind) {
			return s, fmt.Errorf("the option %s means nothing for a %s (%w)", fail.Go("Config."+o.name), kind.what(), os.ErrInvalid)
		}
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	s.access, err = access.New(s.Mode, s.Allow, s.Trust)
	return s, err
}

// locate checks what names an object: a name, or a place.
func (s *settings) locate(mode robust.OpenMode, name string) error {
	switch {
	case !s.At.isSet():
		return breezeway.CheckName(name)
	case name != "":
		return fmt.Errorf("%s is for objects without a name; give \"\" as the name (%w)", fail.Go("Config.At"), os.ErrInvalid)
	case mode == robust.OpenOrCreate:
		return fmt.Errorf("with %s the process that made the memory creates the object, and others open it: call Create or Open (%w)", fail.Go("Config.At"), os.ErrInvalid)
	case s.Track:
		return fmt.Errorf("%s is for semaphores with a name, not with %s (%w)", fail.Go("Config.Track"), fail.Go("Config.At"), errors.ErrUnsupported)
	}
	return nil
}

// robust returns the settings as package robust takes them.
func (s *settings) robust() *robust.Config {
	return &robust.Config{Access: s.access, Scope: s.Scope, Log: s.Logger, At: robust.Place(s.At), Observe: s.observe}
}
