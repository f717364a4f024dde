package shmnet

import (
	"fmt"
	"io/fs"
	"log/slog"
	"math/bits"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// DefaultBufferSize is how many bytes each direction of a connection holds, unless
// [Config.BufferSize] says otherwise.
const DefaultBufferSize = 256 << 10

const (
	minBufferSize = 4 << 10
	maxBufferSize = 1 << 30
)

// Config adjusts a listener or a connection. nil and the zero value mean the defaults;
// the functions that take one copy it.
type Config struct {
	// BufferSize is how many bytes each direction of a connection holds before Write
	// waits. It is rounded up to a power of two of at least 4 KiB, and is at most
	// 1 GiB. 0 means DefaultBufferSize, which suits messages up to 64 KiB; larger ones
	// travel faster if they fit as a whole. Memory is taken when it is written to for the
	// first time. The listener decides; it has no effect on Dial.
	BufferSize int

	// Plain does without shared memory. Each end may ask for it.
	Plain bool

	// Park has this end sleep at once where it has to wait for the other, instead of
	// spinning for up to 25 µs while that pays off. A round trip then takes several
	// times as long, and no processor time is spent on waiting.
	Park bool

	// MaxConns bounds how many connections a listener has open at a time, those that
	// wait for Accept included; further clients wait until one closes. 0 means no bound.
	MaxConns int

	// Mode and Allow say which clients a listener admits, and Trust which servers Dial
	// talks to, besides those of this process's own user and the superuser; see
	// [pipe.Config].
	Mode  fs.FileMode
	Allow []string
	Trust []string

	// Scope restricts, on Windows, which log-on sessions meet.
	Scope breezeway.Scope

	// Logger is told of what happens without a caller to return it to: clients that
	// were refused, a dead server whose name Listen took over, and why a connection
	// has no shared memory. It may close the listener. nil is silent.
	Logger *slog.Logger
}

// settings is a checked copy of a Config.
type settings struct{ Config }

func (c *Config) settings() (settings, error) {
	var s settings
	if c != nil {
		s.Config = *c
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case s.BufferSize < 0 || s.BufferSize > maxBufferSize:
		return s, fmt.Errorf("%s %d is not within 0 and %d (%w)", fail.Go("Config.BufferSize"), s.BufferSize, maxBufferSize, os.ErrInvalid)
	case s.BufferSize == 0:
		s.BufferSize = DefaultBufferSize
	}
	s.BufferSize = max(minBufferSize, 1<<bits.Len(uint(s.BufferSize-1)))
	if s.MaxConns < 0 {
		return s, fmt.Errorf("%s %d is negative (%w)", fail.Go("Config.MaxConns"), s.MaxConns, os.ErrInvalid)
	}
	return s, nil
}

// pipe returns the Config of the named pipe that connections are set up over.
func (s *settings) pipe() *pipe.Config {
	return &pipe.Config{
		MaxConns: s.MaxConns,
		Mode:     s.Mode, Allow: s.Allow, Trust: s.Trust, Scope: s.Scope,
		Logger: s.Logger,
	}
}

// tellPlain tells the Logger why a connection has no shared memory.
func (s *settings) tellPlain(name string, why error) {
	s.Logger.Warn("a connection goes without shared memory", "shmnet", name, "reason", why)
}
