package python

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// DefaultMaxMessage is the size of a message, in bytes, up to which a [Conn] receives
// unless [Config.MaxMessage] says otherwise. Python itself has no limit.
const DefaultMaxMessage = 256 << 20

// DefaultHandshakeTimeout is how long a handshake may take unless
// [Config.HandshakeTimeout] says otherwise.
const DefaultHandshakeTimeout = 10 * time.Second

// Config adjusts a connection to Python's multiprocessing.connection. The functions that
// take one copy it.
type Config struct {
	// AuthKey is the authkey of both ends, and is required unless NoAuth is set. An empty
	// one authenticates nothing, and is refused here: a Listener of Python 3.11 and older
	// takes authkey=b'' for none, which is NoAuth; that of 3.12 and later and every Client
	// make a handshake of it, which is no more than that. A client with a key fails with
	// [os.ErrDeadlineExceeded] at a Listener without one, which is silent.
	AuthKey []byte

	// NoAuth leaves the handshake out, as authkey=None does in Python. The other end must
	// do the same, or each takes the other's handshake for messages. The processes that
	// can connect are then those that the connection lets in.
	NoAuth bool

	// MaxMessage bounds a message that is received, in bytes. 0 means DefaultMaxMessage.
	MaxMessage int

	// Messages says that the connection itself keeps messages apart, and has a method
	// ReadMessage, as a pipe.Conn with pipe.Config.Message: Python's pipes on Windows
	// (AF_PIPE) are such, and put no length before a message.
	Messages bool

	// HandshakeTimeout bounds the handshake. 0 means DefaultHandshakeTimeout. Accept waits
	// for no handshake: those of other clients go on meanwhile.
	HandshakeTimeout time.Duration

	// Logger is told of clients that a Listener refused. It may close the listener. nil is
	// silent.
	Logger *slog.Logger
}

// checked returns a checked copy.
func (c *Config) checked() (Config, error) {
	var s Config
	if c != nil {
		s = *c
	}
	if s.MaxMessage == 0 {
		s.MaxMessage = DefaultMaxMessage
	}
	if s.HandshakeTimeout == 0 {
		s.HandshakeTimeout = DefaultHandshakeTimeout
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case s.NoAuth && s.AuthKey != nil:
		return s, fmt.Errorf("%s and %s exclude each other (%w)", fail.Go("Config.AuthKey"), fail.Go("Config.NoAuth"), os.ErrInvalid)
	case !s.NoAuth && len(s.AuthKey) == 0:
		return s, fmt.Errorf("%s is empty; set %s if any process may take part that can connect (%w)", fail.Go("Config.AuthKey"), fail.Go("Config.NoAuth"), os.ErrInvalid)
	case s.MaxMessage < 0:
		return s, fmt.Errorf("%s %d is negative (%w)", fail.Go("Config.MaxMessage"), s.MaxMessage, os.ErrInvalid)
	case s.HandshakeTimeout < 0:
		return s, fmt.Errorf("%s %v is negative (%w)", fail.Go("Config.HandshakeTimeout"), s.HandshakeTimeout, os.ErrInvalid)
	}
	return s, nil
}
