package socket

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// Wrong certificates, and none, are refused at both ends before Accept returns anything.
func TestWrongCertificate(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	l := mustListen(t, endpoint{"tls", &Config{TLS: ours.serverTLS(t)}, nil, func(testing.TB) string { return "127.0.0.1:0" }})
	address := l.Addr().String()

	stranger := theirs.clientTLS(t)
	_, err := Dial(t.Context(), "tls", address, &Config{TLS: stranger})
	ipctest.WantError(t, err, os.ErrPermission, "is the authority that signed it one of tls.Config.RootCAs?")
	renamed := ours.clientTLS(t)
	renamed.ServerName = "elsewhere"
	_, err = Dial(t.Context(), "tls", address, &Config{TLS: renamed})
	ipctest.WantError(t, err, os.ErrPermission, "another name", "set tls.Config.ServerName")
	stranger.RootCAs = ours.pool()
	none := &tls.Config{RootCAs: ours.pool()}
	serverOnly := ours.clientTLS(t)
	serverOnly.Certificates = []tls.Certificate{ours.sign(t, x509.ExtKeyUsageServerAuth)}
	for name, cfg := range map[string]*tls.Config{"another authority's": stranger, "none": none, "one for servers": serverOnly} {
		c, err := Dial(t.Context(), "tls", address, &Config{TLS: cfg})
		if err == nil { // the client's side is over before the server judges
			_, err = c.Read(make([]byte, 1))
			c.Close()
		}
		if !errors.Is(err, os.ErrPermission) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := mustDial(t, "tls", address, &Config{TLS: ours.clientTLS(t)})
	s, err := l.AcceptContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.RemoteAddr().String() != c.LocalAddr().String() || len(s.TLS().PeerCertificates) != 1 {
		t.Errorf("accepted %v, want %v", s.RemoteAddr(), c.LocalAddr())
	}
	if got := l.Stats(); got.Accepted != 1 || got.Refused < 3 {
		t.Errorf("%+v", got)
	}
}

// What would let clients in unseen is refused unless it is asked for.
func TestTLSConfig(t *testing.T) {
	a := newAuthority(t)
	listen := func(change func(*Config)) error {
		cfg := &Config{TLS: a.serverTLS(t)}
		change(cfg)
		l, err := Listen("tls", "127.0.0.1:0", cfg)
		if err == nil {
			l.Close()
		}
		return err
	}
	for name, change := range map[string]func(*Config){
		"no certificate":       func(c *Config) { c.TLS.Certificates = nil },
		"any authority":        func(c *Config) { c.TLS.ClientCAs = nil },
		"certificates may be":  func(c *Config) { c.TLS.ClientAuth = tls.VerifyClientCertIfGiven },
		"any certificate":      func(c *Config) { c.TLS.ClientAuth = tls.RequireAnyClientCert },
		"no settings":          func(c *Config) { c.TLS = nil },
		"Unix socket's access": func(c *Config) { c.Mode = 0o666 },
		"negative time":        func(c *Config) { c.HandshakeTimeout = -1 },
	} {
		if err := listen(change); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := listen(func(c *Config) { c.TLS.ClientCAs, c.AnonymousClients = nil, true }); err != nil {
		t.Error(err)
	}
}

// A client that says nothing keeps no other one waiting, and is sent away.
func TestSlowHandshake(t *testing.T) {
	ipctest.Longer(t, func(limit time.Duration) error { return serveBesideSilence(t, limit) })
}

func serveBesideSilence(t *testing.T, limit time.Duration) error {
	a := newAuthority(t)
	refused := make(chan struct{}, 100)
	cfg := &Config{TLS: a.serverTLS(t), HandshakeTimeout: limit, Logger: slog.New(&counter{refused: refused})}
	l := mustListen(t, endpoint{"tls", cfg, nil, func(testing.TB) string { return "127.0.0.1:0" }})
	var silent []net.Conn
	for range 20 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "\x16\x03\x01") // a record begins
		silent = append(silent, c)
	}
	talkative, err := Dial(t.Context(), "tls", l.Addr().String(), &Config{TLS: a.clientTLS(t)})
	if err != nil {
		return err
	}
	defer talkative.Close()
	s, err := l.AcceptContext(t.Context())
	if err != nil {
		return err
	}
	defer s.Close()
	if n := len(refused); n > 0 {
		return fmt.Errorf("%d silent clients were sent away before", n)
	}
	for _, c := range silent {
		if _, err := io.ReadAll(c); err != nil && !isBroken(err) {
			t.Error(err)
		}
		<-refused
	}
	return nil
}

// The Logger may close the listener.
func TestLoggerCloses(t *testing.T) {
	closing := &closer{listener: make(chan *Listener, 1), closed: make(chan error, 1)}
	cfg := &Config{TLS: newAuthority(t).serverTLS(t), Logger: slog.New(closing)}
	l := mustListen(t, endpoint{"tls", cfg, nil, func(testing.TB) string { return "127.0.0.1:0" }})
	closing.listener <- l
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if err := <-closing.closed; err != nil {
		t.Error(err)
	}
}

// closer is a log that closes a listener at the first entry.
type closer struct {
	slog.Handler
	listener chan *Listener
	closed   chan error
}

func (c *closer) Enabled(context.Context, slog.Level) bool { return true }

func (c *closer) Handle(context.Context, slog.Record) error {
	c.closed <- (<-c.listener).Close()
	return nil
}

// What is no TLS is refused with an error that says so.
func TestNoTLS(t *testing.T) {
	plain := mustListen(t, endpoint{"tcp", nil, nil, func(testing.TB) string { return "127.0.0.1:0" }})
	go func() {
		c, err := plain.Accept()
		if err == nil {
			io.WriteString(c, "220 hello, this is another protocol\r\n")
			io.Copy(io.Discard, c) // closed with bytes unread, it would be reset
			c.Close()
		}
	}()
	_, client := certificates(t)
	if _, err := Dial(t.Context(), "tls", plain.Addr().String(), &Config{TLS: client}); !errors.Is(err, breezeway.ErrMismatch) {
		t.Error(err)
	}
}

// A client that is refused hears why although it has sent more than the server read, and
// keeps no Close waiting.
func TestRefusedClientHearsWhy(t *testing.T) {
	server, _ := certificates(t)
	l, err := Listen("tls", "127.0.0.1:0", &Config{TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		unknown := []byte{22, 3, 1, 0, 4, 99, 0, 0, 0} // a handshake's message of no known type
		if _, err := c.Write(append(unknown, make([]byte, 10_000)...)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := dial()
	alert, err := io.ReadAll(c) // it ends without a reset
	if err != nil || !bytes.HasPrefix(alert, []byte{21, 3}) {
		t.Errorf("%q, %v, want a TLS alert", alert, err)
	}
	c.Close()

	c = dial()
	if _, err := c.Read(make([]byte, 1)); err != nil { // it is refused, and stays
		t.Error(err)
	}
	start := time.Now()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	ipctest.WantSince(t, start, refusedTime/2)
}

func TestBadAddresses(t *testing.T) {
	for address, network := range map[string]string{":8080": "tcp", "localhost": "tcp", "127.0.0.1:http:": "tcp", "127.0.0.1:70000": "tcp", "127.0.0.1:-1": "tls", "127.0.0.1:no-such-service": "tcp", "": "unix", "x": "udp"} {
		if _, err := Listen(network, address, nil); !errors.Is(err, os.ErrInvalid) && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("listen %s %q: %v", network, address, err)
		}
		if _, err := Dial(t.Context(), network, address, nil); !errors.Is(err, os.ErrInvalid) && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("dial %s %q: %v", network, address, err)
		}
	}
}

// counter is a log that tells of each entry.
type counter struct {
	slog.Handler
	refused chan<- struct{}
}

func (c *counter) Enabled(context.Context, slog.Level) bool { return true }

func (c *counter) Handle(context.Context, slog.Record) error {
	c.refused <- struct{}{}
	return nil
}

// TestReadBesideCloseByTLS closes one end while it reads: TLS tells the other side, whose
// answer may come before that Read has learned of Close.
func TestReadBesideCloseByTLS(t *testing.T) {
	e := endpoints(t)["tls"]
	l := mustListen(t, e)
	for range ipctest.Count(1000) {
		client := mustDial(t, e.network, l.Addr().String(), e.client)
		server, err := l.AcceptContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			io.Copy(io.Discard, server)
			server.Close()
		}()
		read := make(chan error, 1)
		go func() { _, err := client.Read(make([]byte, 1)); read <- err }()
		io.WriteString(client, "x")
		client.Close()
		if err := <-read; !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v, want %v", err, net.ErrClosed)
		}
		<-answered
	}
}
