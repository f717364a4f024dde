package mq

import (
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Config adjusts a queue. nil and the zero value mean the defaults; the functions that
// take one copy it.
//
// The fields from Capacity to Sync are fixed when the queue is created. Open ignores
// them; OpenOrCreate of a queue where one of them differs, and is not zero in the Config,
// fails with [breezeway.ErrMismatch].
type Config struct {
	// Mode and Allow admit more than this process's own user and the
	// superuser to what this process creates. Mode has permission bits, as a
	// file has them; 0 means 0600. Allow names users, and groups with @ in
	// front, by name, uid, gid or SID. The mode is exact, whatever the umask.
	// On Linux Allow becomes an access control list of the queue's file.
	Mode  fs.FileMode
	Allow []string

	// Trust names users, besides this process's own and the superuser, whose
	// queues Open accepts.
	Trust []string

	// Scope says, on Windows, which log-on sessions meet.
	Scope breezeway.Scope

	// Capacity is how many messages the queue holds; 0 means 1024. Each takes 256 bytes,
	// whether it is there or not.
	Capacity int

	// CapacityBytes is how much room there is for bodies; 0 means 4 MiB, or MaxMessage if
	// that is more. The first 64 bytes of a message, ID and body together, have their place
	// already. The rest takes room in pieces of 256 bytes.
	CapacityBytes int64

	// MaxMessage is how many bytes a body may have; 0 means 64 KiB.
	MaxMessage int

	// Full says what Send does when there is no room.
	Full Full

	// LeaseTimeout is after which time a message that was leased, and neither
	// acknowledged nor extended, is delivered again, for receivers that hang. 0 means
	// never: then only the end of the receiver's process, or Close, ends the lease.
	LeaseTimeout time.Duration

	// MaxDeliveries is how often a message is delivered at most. If its last lease ends
	// without Ack, it goes to the queue DeadLetter, or is dropped if that is "". 0 means
	// without limit.
	MaxDeliveries int

	// DeadLetter names a queue of this package, by name or path. The process that finds
	// a message to have been delivered too often opens the queue, or creates it with the
	// defaults and the same access rules, and sends the message there. It needs
	// MaxDeliveries.
	DeadLetter string

	// Sync makes a durable queue keep what was sent when the power fails: Send returns when
	// the message is on the disk. Senders that wait at the same time share one write. After
	// a power failure, messages that have left the queue since the last Send may be
	// delivered again.
	Sync bool

	// Slots is how often the queue can be open at the same time, in all processes
	// together: 1 to 65533; 0 means 504.
	Slots int

	// Logger gets what no call returns: messages that were redelivered, dropped or
	// damaged, and changes that were repaired. nil means no log.
	Logger *slog.Logger
}

// Full says what Send does when a queue is full.
type Full int

const (
	FullWait Full = iota // until there is room
	FullFail             // with ErrFull
	FullDrop             // the oldest message of the lowest priority, which may be the new one; ErrFull if leased and delayed ones have the room
)

func (f Full) String() string {
	if f < FullWait || f > FullDrop {
		return fmt.Sprintf("mq.Full(%d)", int(f))
	}
	return [...]string{"wait", "fail", "drop"}[f]
}

const (
	defaultCapacity      = 1024
	defaultCapacityBytes = 4 << 20
	defaultMaxMessage    = 64 << 10

	maxCapacity = 1 << 26
	maxBlocks   = math.MaxInt32
	maxBody     = 1 << 30
)

// settings is a checked copy of a Config.
type settings struct {
	Config
	access  access.Rule
	observe bool // the queue is opened for its Stats, and takes no slot
	passOn  bool // the queue is opened to pass messages on to it, and passes none on itself
}

func (c *Config) settings() (s settings, err error) {
	if c != nil {
		s.Config = *c
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if err := s.check(); err != nil {
		return s, err
	}
	s.access, err = access.New(s.Mode, s.Allow, s.Trust)
	return s, err
}

func (c *Config) check() error {
	for _, o := range []struct {
		name       string
		value, max int64
	}{
		{"Capacity", int64(c.Capacity), maxCapacity},
		{"CapacityBytes", c.CapacityBytes, maxBlocks * blockSize},
		{"MaxMessage", int64(c.MaxMessage), maxBody},
		{"LeaseTimeout", int64(c.LeaseTimeout), math.MaxInt64},
		{"MaxDeliveries", int64(c.MaxDeliveries), math.MaxInt32},
		{"Full", int64(c.Full), int64(FullDrop)},
	} {
		if o.name == "LeaseTimeout" && o.value < 0 {
			return fmt.Errorf("the option %s is %v; give a positive time, or 0 for none (%w)", fail.Go("Config."+o.name), c.LeaseTimeout, os.ErrInvalid)
		}
		if o.value < 0 || o.value > o.max {
			return fmt.Errorf("the option %s is %d; give 0 to %d (%w)", fail.Go("Config."+o.name), o.value, o.max, os.ErrInvalid)
		}
	}
	if most := int64(c.MaxMessage); c.CapacityBytes != 0 && most > c.CapacityBytes {
		return fmt.Errorf("%s, %d bytes, is more than the queue has room for, %s, %d (%w)", fail.Go("Config.MaxMessage"), most, fail.Go("Config.CapacityBytes"), c.CapacityBytes, os.ErrInvalid)
	}
	if c.DeadLetter == "" {
		return nil
	}
	if len(c.DeadLetter) > maxDeadLetter {
		return fmt.Errorf("%s has %d bytes, at most %d are possible (%w)", fail.Go("Config.DeadLetter"), len(c.DeadLetter), maxDeadLetter, os.ErrInvalid)
	}
	return object.CheckName(c.DeadLetter)
}

// isPath reports whether a queue is durable, and name the path of its file.
func isPath(name string) bool { return filepath.IsAbs(name) }

// robust returns the settings as package robust takes them.
func (s *settings) robust() *robust.Config {
	return &robust.Config{Access: s.access, Scope: s.Scope, Log: s.Logger, Observe: s.observe}
}
