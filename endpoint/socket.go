package endpoint

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/breezeway-ipc/breezeway/socket"
)

var (
	unixScheme = socketScheme("unix", pathOrAbstract, "allow", "hand-over", "max-conns", "mode", "packets", "trust")
	tcpScheme  = socketScheme("tcp", nil, "hand-over", "max-conns")
	tlsScheme  = socketScheme("tls", nil, "anonymous-clients", "ca", "cert", "hand-over", "key", "max-conns", "server-name")
)

// activatedScheme is a listener with which the program was started.
var activatedScheme = Scheme{
	Name: "activated", nameless: true,
	Options: []string{"allow", "anonymous-clients", "ca", "cert", "key", "max-conns", "mode"},
	Listen: func(_ context.Context, u *URL) (net.Listener, error) {
		_, cfg, err := socketConfig(u)
		if err != nil {
			return nil, err
		}
		return asListener(socket.Activated(u.Name, cfg))
	},
	instead: "it is a listener that systemd made; clients dial that by its address, as in unix:///run/app.sock",
}

func socketScheme(name string, check func(*URL) error, options ...string) Scheme {
	return Scheme{
		Name: name, Options: options, check: check,
		Listen: func(ctx context.Context, u *URL) (net.Listener, error) {
			network, cfg, err := socketConfig(u)
			if err != nil {
				return nil, err
			}
			return asListener(socket.ListenContext(ctx, network, u.Name, cfg))
		},
		Dial:     dialSocket(socket.Dial),
		DialWait: dialSocket(socket.DialWait),
	}
}

// pathOrAbstract checks that a Unix socket is named by a whole path, or is abstract.
func pathOrAbstract(u *URL) error {
	if strings.HasPrefix(u.Name, "@") {
		return nil
	}
	return wholePath(u)
}

func dialSocket(dial func(_ context.Context, network, address string, _ *socket.Config) (*socket.Conn, error)) func(context.Context, *URL) (net.Conn, error) {
	return func(ctx context.Context, u *URL) (net.Conn, error) {
		network, cfg, err := socketConfig(u)
		if err != nil {
			return nil, err
		}
		return asConn(dial(ctx, network, u.Name, cfg))
	}
}

func socketConfig(u *URL) (network string, cfg *socket.Config, err error) {
	cfg = &socket.Config{
		Mode: u.Mode("mode"), Allow: u.Texts("allow"), Trust: u.Texts("trust"),
		Logger:   u.logger,
		MaxConns: u.Int("max-conns"), HandOver: u.Text("hand-over"), AnonymousClients: u.Bool("anonymous-clients"),
	}
	network = u.Scheme
	if u.Bool("packets") {
		network = "unixpacket"
	}
	if shown := u.Text("cert") != "" || u.Text("key") != "" || u.Text("ca") != ""; u.err == nil && (u.Scheme == "tls" || shown) {
		if cfg.TLS, err = certificates(u); u.err == nil { // options are read there too
			u.err = err
		}
	}
	return network, cfg, u.err
}

// certificates reads the files that a URL names. Of a listener ca says which clients it
// accepts, and of a client which servers it talks to.
func certificates(u *URL) (*tls.Config, error) {
	cfg := &tls.Config{ServerName: u.Text("server-name"), MinVersion: tls.VersionTLS12}
	if ca := u.Text("ca"); ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("the option ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s has no certificate in PEM form (%w)", ca, os.ErrInvalid)
		}
		cfg.RootCAs, cfg.ClientCAs = pool, pool
	}
	cert, key := u.Text("cert"), u.Text("key")
	if cert == "" && key == "" {
		return cfg, nil
	}
	if cert == "" || key == "" {
		return nil, invalid("the options cert and key go together")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("the certificate %s with the key %s: %w", cert, key, err)
	}
	cfg.Certificates = []tls.Certificate{pair}
	return cfg, nil
}
