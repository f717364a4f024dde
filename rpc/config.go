package rpc

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// The defaults of a [Config].
const (
	DefaultMaxMessage   = 4 << 20
	DefaultMaxCalls     = 4096
	DefaultMaxConns     = 4096
	DefaultReadTimeout  = 10 * time.Second
	DefaultWriteTimeout = 30 * time.Second
)

// Config adjusts a [Server] or a [Client]. nil and the zero value mean the defaults.
type Config struct {
	// Token is a secret that both ends know. A client presents it when it has
	// connected. A server that has one executes nothing for a connection that has not
	// presented it, whatever the connection is, and drops one that presents another.
	// The token travels as it is: between machines use TLS.
	Token string

	// Insecure makes a server without Token serve every connection. Otherwise it serves
	// only those that are known to come from an admitted user: whose peer the system
	// identifies, as it does for named pipes, Unix sockets and shmnet, or whose
	// certificate was verified. A Unix socket of package net is one of them if it has a
	// file, or a peer of the same user. TCP is not among them, on loopback neither: every user
	// of the machine can connect. For servers only.
	Insecure bool

	// MaxMessage is the size in bytes of the largest message that is sent or received.
	// Before a connection has presented the token it is 64 KiB at most, for the server.
	// 0 means DefaultMaxMessage.
	MaxMessage int

	// MaxCalls is how many calls and streams one connection may have under way at this
	// end. Others are refused with CodeBusy. 0 means DefaultMaxCalls.
	MaxCalls int

	// MaxConns is how many connections a server's listeners have open at a time,
	// together. Others wait until one ends. 0 means DefaultMaxConns. For servers only.
	MaxConns int

	// ReadTimeout is how long a message may take to arrive once it has begun; a large one
	// has a second more for every 64 KiB. It also bounds the handshake of TLS, and the
	// time until a token is presented. 0 means DefaultReadTimeout.
	ReadTimeout time.Duration

	// WriteTimeout is how long the peer may take nothing of what is sent before the
	// connection is dropped. 0 means DefaultWriteTimeout.
	WriteTimeout time.Duration

	// Intercept are called around every call that this end executes, the first one
	// outermost. See Interceptor.
	Intercept []Interceptor

	// Logger is told of connections that are refused or dropped, and of methods that
	// panic. nil means silence.
	Logger *slog.Logger
}

// settings is a Config that was checked, with its defaults.
type settings struct{ Config }

func (c *Config) settings() (s settings, err error) {
	if c != nil {
		s.Config = *c
	}
	for _, field := range []struct {
		name  fail.Go
		value int64
	}{
		{fail.Go("Config.MaxMessage"), int64(s.MaxMessage)}, {fail.Go("Config.MaxCalls"), int64(s.MaxCalls)},
		{fail.Go("Config.MaxConns"), int64(s.MaxConns)},
		{fail.Go("Config.ReadTimeout"), int64(s.ReadTimeout)}, {fail.Go("Config.WriteTimeout"), int64(s.WriteTimeout)},
	} {
		if field.value < 0 {
			return s, fmt.Errorf("%s is negative (%w)", field.name, os.ErrInvalid)
		}
	}
	setDefault(&s.MaxMessage, DefaultMaxMessage)
	setDefault(&s.MaxCalls, DefaultMaxCalls)
	setDefault(&s.MaxConns, DefaultMaxConns)
	setDefault(&s.ReadTimeout, DefaultReadTimeout)
	setDefault(&s.WriteTimeout, DefaultWriteTimeout)
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
