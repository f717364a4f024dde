package demo

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/breezeway-ipc/breezeway/socket"
)

// unixSocket joins processes by a socket at a path.
var unixSocket = demo{
	mechanism: "Unix socket",
	scheme:    "unix",
	missing:   map[bool]string{true: "Windows' Unix sockets don't identify the other side; named pipes do"}[runtime.GOOS == "windows"],
	server: func(p *process) error {
		return p.serveSocket("unix", filepath.Join(p.dir, "socket"), nil)
	},
	client: func(p *process) error {
		return p.dialSocket("unix", filepath.Join(p.dir, "socket"), nil)
	},
}

// tcpSocket joins processes by a port of this machine.
var tcpSocket = demo{
	mechanism: "TCP socket",
	scheme:    "tcp",
	server:    func(p *process) error { return p.serveSocket("tcp", "127.0.0.1:0", nil) },
	client:    func(p *process) error { return p.dialPort("tcp", nil) },
}

// tlsSocket is tcpSocket with a certificate at both ends.
var tlsSocket = demo{
	mechanism: "TLS socket",
	scheme:    "tls",
	server: func(p *process) error {
		c, err := p.makeCertificate()
		if err != nil {
			return err
		}
		return p.serveSocket("tls", "127.0.0.1:0", c)
	},
	client: func(p *process) error {
		c, err := p.loadCertificate()
		if err != nil {
			return err
		}
		return p.dialPort("tls", c)
	},
}

// serveSocket answers the first client. It tells the client the port.
func (p *process) serveSocket(network, address string, c *tls.Config) error {
	l, err := socket.Listen(network, address, socketConfig(c))
	if err != nil {
		return err
	}
	defer l.Close()
	if err := os.WriteFile(p.portFile(), []byte(l.Addr().String()), 0o600); err != nil {
		return err
	}
	p.say("listens at %s", l.Addr())
	p.ready()
	conn, err := l.AcceptContext(context.Background())
	if err != nil {
		return err
	}
	defer conn.Close()
	return p.answer(conn, describe(conn))
}

func (p *process) dialPort(network string, c *tls.Config) error {
	address, err := os.ReadFile(p.portFile())
	if err != nil {
		return err
	}
	return p.dialSocket(network, string(address), c)
}

func (p *process) portFile() string { return filepath.Join(p.dir, "port") }

func (p *process) dialSocket(network, address string, c *tls.Config) error {
	conn, err := socket.Dial(context.Background(), network, address, socketConfig(c))
	if err != nil {
		return err
	}
	p.say("connects to %s", describe(conn))
	return errors.Join(p.talk(conn), conn.Close())
}

func socketConfig(c *tls.Config) *socket.Config {
	if c == nil {
		return nil
	}
	return &socket.Config{TLS: c}
}

// describe says what is known of the other side.
func describe(c *socket.Conn) string {
	switch state := c.TLS(); {
	case state != nil:
		return "the owner of the certificate of " + state.PeerCertificates[0].Subject.CommonName
	case c.Peer().UID >= 0:
		return c.Peer().String()
	}
	return c.RemoteAddr().String()
}

// makeCertificate makes the certificate that both processes have, and know each other by.
func (p *process) makeCertificate() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ipc demo"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	for file, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(p.dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, err
		}
	}
	return p.loadCertificate()
}

func (p *process) loadCertificate() (*tls.Config, error) {
	cert := filepath.Join(p.dir, "cert.pem")
	pair, err := tls.LoadX509KeyPair(cert, filepath.Join(p.dir, "key.pem"))
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(cert)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, ClientCAs: pool}, err
}
