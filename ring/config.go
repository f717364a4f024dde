package ring

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Config adjusts a ring. nil and the zero value mean the defaults; the functions that take
// one copy it.
//
// The fields from Shape to Receivers are fixed when the ring is created. Open ignores
// them; OpenOrCreate of a ring where one of them differs, and is not zero in the Config,
// fails with [breezeway.ErrMismatch]; a Shape always has to be the ring's.
type Config struct {
	// Mode and Allow admit more than this process's own user and the superuser to what
	// this process creates. Mode has permission bits, as a file has them; 0 means 0600.
	// Allow names users, and groups with @ in front, by name, uid, gid or SID. The mode is
	// exact, whatever the umask.
	Mode  fs.FileMode
	Allow []string

	// Trust names users, besides this process's own and the superuser, whose rings Open
	// accepts.
	Trust []string

	// Scope says, on Windows, which log-on sessions meet.
	Scope breezeway.Scope

	// Shape says how many senders and receivers there are.
	Shape Shape

	// Capacity is how many messages a [Ring] has room for, rounded up to a power of two. 0
	// means 1024, or, if T is large, as many as fit into 16 MiB, but at least 4.
	Capacity int

	// CapacityBytes is how large a [Bytes] is, rounded up to a power of two; 0 means 1 MiB.
	// A message takes its length and 8 bytes more, in pieces of 64 bytes, and can have up
	// to half of the capacity.
	CapacityBytes int64

	// Slow says, of a Broadcast, what happens to a receiver that keeps the sender from
	// going on.
	Slow Slow

	// Receivers is how many receivers a Broadcast can have: 1 to 4096; 0 means 16.
	Receivers int

	// Start says, of a Broadcast, where a new receiver begins.
	Start Start

	// Wait says how receivers wait, and with WaitPark also how senders do.
	Wait Wait

	// Slots is how often the ring can be open at the same time, in all processes together:
	// 1 to 65533; 0 means 504. It is fixed when the ring is created.
	Slots int

	// Logger gets what no call returns: messages of dead senders that were passed over,
	// and receivers that died. nil means no log.
	Logger *slog.Logger
}

// Shape is how many senders and receivers a ring has at a time.
type Shape int

const (
	OneToOne  Shape = iota // one sender, one receiver
	ManyToOne              // any number of senders, one receiver
	Broadcast              // one sender, several receivers that each get all messages
)

func (s Shape) String() string {
	return nameOf(int(s), "ring.Shape", "one to one", "many to one", "broadcast")
}

// Slow is what happens when a receiver of a Broadcast is a whole ring behind.
type Slow int

const (
	SlowBlock      Slow = iota // the sender waits for it, as long as its process lives
	SlowSkip                   // it loses the oldest messages, which [Receiver.Skipped] counts
	SlowDisconnect             // it gets no more messages: Receive fails with [ErrDisconnected]
)

func (s Slow) String() string { return nameOf(int(s), "ring.Slow", "block", "skip", "disconnect") }

// Start is where a new receiver of a Broadcast begins.
type Start int

const (
	StartNewest Start = iota // with the next message that is sent
	StartOldest              // with the oldest message that is kept
)

func (s Start) String() string { return nameOf(int(s), "ring.Start", "newest", "oldest") }

// Wait is how a receiver waits for a message.
type Wait int

const (
	WaitAdaptive Wait = iota // spins while that has been paying off, for up to 50 µs, or 1 ms if messages are large, then parks
	WaitSpin                 // spins for as long as it takes, which uses up a processor
	WaitPark                 // parks soon, which uses the least processor time
)

func (w Wait) String() string { return nameOf(int(w), "ring.Wait", "adaptive", "spin", "park") }

func nameOf(n int, typeName string, names ...string) string {
	if n < 0 || n >= len(names) {
		return fmt.Sprintf("%s(%d)", typeName, n)
	}
	return names[n]
}

const (
	defaultCapacity      = 1024
	defaultRoom          = 16 << 20
	minCapacity          = 4
	defaultCapacityBytes = 1 << 20
	defaultReceivers     = 16

	minByteCells = 8
	maxCells     = 1 << 29
	maxBytes     = 1 << 34
	maxReceivers = 4096
)

// settings is a checked copy of a Config.
type settings struct {
	Config
	access  access.Rule
	observe bool // the ring is opened for its Stats, and takes no slot
}

func (c *Config) settings(r record) (s settings, err error) {
	if c != nil {
		s.Config = *c
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if err := s.check(r); err != nil {
		return s, err
	}
	s.access, err = access.New(s.Mode, s.Allow, s.Trust)
	return s, err
}

func (c *Config) check(r record) error {
	most := int64(maxCells)
	if r.size > 0 {
		most = min(most, maxBytes/roundUp(wordSize+r.size))
	}
	for _, o := range []struct {
		name       string
		value, max int64
	}{
		{"Shape", int64(c.Shape), int64(Broadcast)},
		{"Capacity", int64(c.Capacity), most},
		{"CapacityBytes", c.CapacityBytes, maxBytes},
		{"Slow", int64(c.Slow), int64(SlowDisconnect)},
		{"Receivers", int64(c.Receivers), maxReceivers},
		{"Start", int64(c.Start), int64(StartOldest)},
		{"Wait", int64(c.Wait), int64(WaitPark)},
	} {
		if o.value < 0 || o.value > o.max {
			return fmt.Errorf("the option %s is %d; give 0 to %d (%w)", fail.Go("Config."+o.name), o.value, o.max, os.ErrInvalid)
		}
	}
	for _, o := range []struct {
		name  string
		given bool
		why   string
	}{
		{"Capacity", c.Capacity != 0 && r == byteRecord, "is for a ring of one type; give " + fail.Go("Config.CapacityBytes").String()},
		{"CapacityBytes", c.CapacityBytes != 0 && r.size != 0, "is for a ring of bytes; give " + fail.Go("Config.Capacity").String()},
		{"Slow", c.Slow != 0 && c.Shape != Broadcast, "is for a Broadcast"},
		{"Receivers", c.Receivers != 0 && c.Shape != Broadcast, "is for a Broadcast"},
	} {
		if o.given {
			return fmt.Errorf("the option %s %s (%w)", fail.Go("Config."+o.name), o.why, os.ErrInvalid)
		}
	}
	return nil
}

// robust returns the settings as package robust takes them.
func (s *settings) robust() *robust.Config {
	return &robust.Config{Access: s.access, Scope: s.Scope, Log: s.Logger, Observe: s.observe, AnySlots: s.Slots == 0}
}
