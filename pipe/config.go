package pipe

import (
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Direction says which way bytes flow, seen from the end that states it.
type Direction int

const (
	Duplex Direction = iota // both ways
	In                      // this end only reads
	Out                     // this end only writes
)

func (d Direction) String() string {
	switch d {
	case In:
		return "in"
	case Out:
		return "out"
	}
	return "duplex"
}

// DefaultMaxMessage is the size of a message, in bytes, up to which message
// mode sends and receives unless [Config.MaxMessage] says otherwise.
const DefaultMaxMessage = 16 << 20

// Config adjusts a named pipe. nil and the zero value mean the defaults; the
// functions that take one copy it. Both ends of a pipe should agree on Message.
type Config struct {
	// Direction restricts this end. The other end should state the opposite
	// one, or nothing. On Linux the unused direction is shut down, so an end
	// that writes against it fails as if the pipe were closed.
	Direction Direction

	// Message keeps the boundaries of what is written: each Write is one
	// message, and Read never crosses from one to the next. On Windows it is
	// the system's message mode, elsewhere our framing (docs/formats.md), so
	// the other end must be a Breezeway program in message mode too; one in
	// byte mode gets ErrMismatch.
	Message bool

	// MaxMessage bounds a message in bytes, sent or received. 0 means
	// DefaultMaxMessage.
	MaxMessage int

	// Confirm makes reading confirm what was read before: the last byte that Read
	// or ReadMessage returned stays in the system until the next of them, or
	// [Conn.Confirm]. Until then the other side's [Conn.Drain] waits, and if this
	// end closes or dies instead it fails: an end that could not deal with what it
	// has read doesn't let the other believe that it did. A message of no bytes is
	// confirmed at once. Each Read costs two or three more system calls.
	Confirm bool

	// MaxConns bounds how many accepted connections a listener has open
	// at a time; further clients wait until one closes. 0 means no bound.
	MaxConns int

	// BufferSize asks for so many bytes of buffer in the system, each way.
	// 0 means the system's default. Linux doubles it and counts its own
	// overhead against it.
	BufferSize int

	// Mode and Allow say which clients a listener admits besides those of this
	// process's own user and the superuser. Mode has permission bits, as a file
	// has them; 0 means 0600. The bits of the group admit members of the socket
	// file's group: this process's group or, in a setgid directory, the
	// directory's; on Windows this process's primary group. Allow names users,
	// and groups with @ in front, by name, uid, gid or SID. They have no effect
	// on Dial.
	//
	// The kernel enforces both. On Linux Allow needs a file system with access
	// control lists; elsewhere on Unix there are none. Without them Listen fails
	// with [errors.ErrUnsupported].
	Mode  fs.FileMode
	Allow []string

	// Trust names the users, by name, uid or SID, whose servers Dial talks to
	// besides those of this process's own user and the superuser. On Windows
	// they must include all that the pipe's access control list lets serve under
	// its name. It has no effect on Listen.
	Trust []string

	// Scope restricts, on Windows, which log-on sessions meet.
	Scope breezeway.Scope

	// SDDL, on Windows, replaces the security descriptor that Mode and Allow
	// make for the listener. The kernel alone then decides which clients connect.
	// GA, GW, FA and FW contain the right to serve under the pipe's name: grant
	// other users 0x12019b to read and write, or Dial refuses the pipe.
	SDDL string

	// Host dials another machine's pipe on Windows. Names of pipes of this
	// machine need none. The identity of a remote server is not checked.
	Host string

	// Remote lets a listener on Windows accept clients from other machines,
	// subject to its security descriptor. The identity of remote clients is
	// checked like that of local ones.
	Remote bool

	// Logger is told of what happens without a caller to return it to: clients
	// that were refused, that Listen took over a dead server's name, and on Unix that
	// another program removed a listener's socket. It may close the listener. nil is
	// silent.
	Logger *slog.Logger
}

// settings is a checked copy of a Config.
type settings struct {
	Config
	access access.Rule
}

func (c *Config) settings() (settings, error) {
	var s settings
	if c != nil {
		s.Config = *c
	}
	var err error
	s.access, err = access.New(s.Mode, s.Allow, s.Trust)
	if err != nil {
		return s, err
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.MaxMessage == 0 {
		s.MaxMessage = DefaultMaxMessage
	}
	switch {
	case s.Direction < Duplex || s.Direction > Out:
		return s, fmt.Errorf("%s %d is none of Duplex, In, Out (%w)", fail.Go("Config.Direction"), s.Direction, os.ErrInvalid)
	case s.Confirm && s.Direction == Out:
		return s, fmt.Errorf("%s is for an end that reads, and %s is Out (%w)", fail.Go("Config.Confirm"), fail.Go("Config.Direction"), os.ErrInvalid)
	case s.MaxMessage < 0 || s.MaxMessage > math.MaxInt32:
		return s, fmt.Errorf("%s %d is not within 0 and %d (%w)", fail.Go("Config.MaxMessage"), s.MaxMessage, math.MaxInt32, os.ErrInvalid)
	case s.MaxConns < 0:
		return s, fmt.Errorf("%s %d is negative (%w)", fail.Go("Config.MaxConns"), s.MaxConns, os.ErrInvalid)
	case s.BufferSize < 0 || s.BufferSize > math.MaxInt32:
		return s, fmt.Errorf("%s %d is not within 0 and %d (%w)", fail.Go("Config.BufferSize"), s.BufferSize, math.MaxInt32, os.ErrInvalid)
	}
	return s, s.supported()
}
