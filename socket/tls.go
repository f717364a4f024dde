package socket

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// serverTLS returns the listener's TLS settings, with which clients show a certificate
// unless the caller said otherwise.
func (s *settings) serverTLS() (*tls.Config, error) {
	c := s.TLS.Clone()
	if len(c.Certificates) == 0 && c.GetCertificate == nil && c.GetConfigForClient == nil {
		return nil, fmt.Errorf("%s has no certificate to show to clients (%w)", fail.Go("Config.TLS"), os.ErrInvalid)
	}
	if s.AnonymousClients {
		return c, nil
	}
	switch c.ClientAuth {
	case tls.NoClientCert, tls.RequireAndVerifyClientCert:
		c.ClientAuth = tls.RequireAndVerifyClientCert
	case tls.RequireAnyClientCert:
		if c.VerifyPeerCertificate != nil || c.VerifyConnection != nil {
			return c, nil // the caller judges certificates
		}
		fallthrough
	default:
		return nil, fmt.Errorf("ClientAuth of %s lets clients in without a certificate that was checked; set %s if that is meant (%w)",
			fail.Go("Config.TLS"), fail.Go("Config.AnonymousClients"), os.ErrInvalid)
	}
	// Without them Go would accept what any authority of the system has signed.
	if c.ClientCAs == nil && c.GetConfigForClient == nil {
		return nil, fmt.Errorf("ClientCAs of %s is missing: say which authority signs the certificates of clients, or set %s (%w)",
			fail.Go("Config.TLS"), fail.Go("Config.AnonymousClients"), os.ErrInvalid)
	}
	return c, nil
}

// shake is the server's part of a handshake. It owns raw.
func (l *Listener) shake(ctx context.Context, raw net.Conn) (*tls.Conn, error) {
	c := tls.Server(raw, l.cfg.TLS)
	if err := c.HandshakeContext(ctx); err != nil {
		letHear(ctx, raw)
		raw.Close()
		return nil, err
	}
	return c, nil
}

// How long, and for how much, a client that was refused may go on.
const (
	refusedTime = time.Second
	refusedMost = 64 << 10
)

// letHear waits for a client that was refused to end. TCP resets a connection that is closed
// with something unread, and what says why may be lost then: on Windows it is.
func letHear(ctx context.Context, raw net.Conn) {
	c, ok := raw.(*net.TCPConn)
	if !ok || c.CloseWrite() != nil || c.SetReadDeadline(time.Now().Add(refusedTime)) != nil {
		return
	}
	defer context.AfterFunc(ctx, func() { c.Close() })()
	io.CopyN(io.Discard, c, refusedMost)
}

// acceptShaken waits for a client whose handshake has succeeded. Those that wait for it
// to be called are not accepted yet: they hold no slot of MaxConns.
func (l *Listener) acceptShaken() (*Conn, error) {
	c, err := l.shakes.Next()
	if err != nil {
		return nil, err
	}
	return l.admitted(c, c.NetConn(), unknownPeer()), nil
}

// refuseHandshake is told of one that failed.
func (l *Listener) refuseHandshake(raw net.Conn, err error) {
	l.refused.Add(1)
	l.note(slog.LevelWarn, refusedClient, "peer", raw.RemoteAddr().String(), "reason", err)
}

// dialTLS is the client's part. The handshake ends with ctx, and by the time for it.
func dialTLS(ctx context.Context, address string, s *settings) (c *tls.Conn, raw net.Conn, err error) {
	if raw, err = dialTCP(ctx, address); err != nil {
		return nil, nil, err
	}
	cfg := s.TLS.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = net.SplitHostPort(address)
	}
	shaking, cancel := context.WithTimeoutCause(ctx, s.HandshakeTimeout,
		fmt.Errorf("the server did not answer within %s, %v; does it speak TLS? (%w)", fail.Go("Config.HandshakeTimeout"), s.HandshakeTimeout, os.ErrDeadlineExceeded))
	defer cancel()
	c = tls.Client(raw, cfg)
	if err := c.HandshakeContext(shaking); err != nil {
		raw.Close()
		if shaking.Err() != nil {
			return nil, nil, context.Cause(shaking)
		}
		return nil, nil, explainHandshake(err)
	}
	return c, raw, nil
}

// tlsAlert is the Op that crypto/tls gives what the other side said before it closed.
const tlsAlert = "remote error"

// explainHandshake tells what is not trusted from what is no TLS.
func explainHandshake(err error) error {
	var certificate *tls.CertificateVerificationError
	var alert *net.OpError
	var record tls.RecordHeaderError
	var name x509.HostnameError
	switch {
	case errors.As(err, &name):
		return fmt.Errorf("the server's certificate is refused: it has another name than the one dialled; if it should, set %s: %w (%w)",
			fail.Go("tls.Config.ServerName"), err, os.ErrPermission)
	case errors.As(err, &certificate):
		return fmt.Errorf("the server's certificate is refused; is the authority that signed it one of %s? %w (%w)",
			fail.Go("tls.Config.RootCAs"), err, os.ErrPermission)
	case errors.As(err, &alert) && alert.Op == tlsAlert:
		return fmt.Errorf("the server refuses: %w (%w)", alert.Err, os.ErrPermission)
	case errors.As(err, &record):
		return fmt.Errorf("the server does not speak TLS: %w (%w)", err, breezeway.ErrMismatch)
	}
	return err
}
