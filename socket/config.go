package socket

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// DefaultHandshakeTimeout is how long a handshake may take unless
// [Config.HandshakeTimeout] says otherwise.
const DefaultHandshakeTimeout = 10 * time.Second

// Config adjusts a socket. nil and the zero value mean the defaults; the functions that
// take one copy it.
type Config struct {
	// Mode and Allow say which clients a listener on a Unix socket admits besides those of
	// this process's own user and the superuser. Mode has permission bits, as a file has
	// them; 0 means 0600. The bits of the group admit members of the socket file's group.
	// Allow names users, and groups with @ in front, by name, uid or gid. They have no
	// effect on Dial.
	//
	// Allow needs a file system with access control lists, which are for Linux; elsewhere
	// Listen fails with [errors.ErrUnsupported]. An abstract name has no file, so the
	// server alone decides: Mode is 0 or admits all users (0666), and Allow works.
	Mode  fs.FileMode
	Allow []string

	// Trust names the users, by name or uid, whose servers Dial talks to on a Unix socket
	// besides those of this process's own user and the superuser. It has no effect on
	// Listen.
	Trust []string

	// TLS has the certificates of "tls", and is required there. Of a listener ClientCAs
	// says which clients it accepts: their certificates must be signed by one of these,
	// unless ClientAuth, if it is set, says otherwise. Of a client RootCAs says which
	// servers it talks to, and Certificates what it shows them; ServerName is the host
	// that was dialled if it is left out.
	TLS *tls.Config

	// AnonymousClients lets a listener accept clients that show no certificate. Something
	// else, such as a token, has to say what they may do.
	AnonymousClients bool

	// HandshakeTimeout bounds the TLS handshake. 0 means DefaultHandshakeTimeout. Accept
	// waits for no handshake: those of other clients go on meanwhile.
	HandshakeTimeout time.Duration

	// MaxConns bounds how many accepted connections a listener has open at a time;
	// further clients wait until one closes. 0 means no bound.
	MaxConns int

	// HandOver is the path of a Unix socket at which the listener waits for its
	// successor: a Listen of this user, for the same network and address and with the same
	// HandOver, takes the listener from the process that has it. No client is refused
	// meanwhile: those that wait are accepted by the successor. Accept of the process
	// before returns those that it had accepted, and then [ErrHandedOver]; what it has
	// open it serves to the end. If the successor dies before it has taken the listener,
	// nothing has changed. Linux only; elsewhere Listen fails with
	// [errors.ErrUnsupported].
	HandOver string

	// Logger is told of what happens without a caller to return it to: clients that were
	// refused, a name taken over from a dead server, successors. It may close the
	// listener. nil is silent.
	Logger *slog.Logger
}

// settings is a checked copy of a Config.
type settings struct {
	Config
	access access.Rule
}

// settings checks what Listen and Dial have in common.
func (c *Config) settings(n transport) (settings, error) {
	var s settings
	if c != nil {
		s.Config = *c
	}
	var err error
	if s.access, err = access.New(s.Mode, s.Allow, s.Trust); err != nil {
		return s, err
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.HandshakeTimeout == 0 {
		s.HandshakeTimeout = DefaultHandshakeTimeout
	}
	switch {
	case n.local && (s.TLS != nil || s.AnonymousClients):
		return s, fmt.Errorf("%s is for \"tls\"; a Unix socket's peer is identified by the system (%w)", fail.Go("Config.TLS"), os.ErrInvalid)
	case !n.local && (s.Mode != 0 || s.Allow != nil || s.Trust != nil):
		return s, fmt.Errorf("%s, %s and %s are for Unix sockets: TCP tells no user (%w)",
			fail.Go("Config.Mode"), fail.Go("Config.Allow"), fail.Go("Config.Trust"), os.ErrInvalid)
	case n.tls && s.TLS == nil:
		return s, fmt.Errorf("%s lacks certificates (%w)", fail.Go("Config.TLS"), os.ErrInvalid)
	case !n.tls && (s.TLS != nil || s.AnonymousClients):
		return s, fmt.Errorf("%s is for the network \"tls\", this is %q (%w)", fail.Go("Config.TLS"), n.name, os.ErrInvalid)
	case s.HandshakeTimeout < 0:
		return s, fmt.Errorf("%s %v is negative (%w)", fail.Go("Config.HandshakeTimeout"), s.HandshakeTimeout, os.ErrInvalid)
	case s.MaxConns < 0:
		return s, fmt.Errorf("%s %d is negative (%w)", fail.Go("Config.MaxConns"), s.MaxConns, os.ErrInvalid)
	}
	return s, nil
}
