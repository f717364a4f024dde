package socket

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// echoServer listens at a network and address, says where, and sends back what comes.
var echoServer = ipctest.Helper("echo server", func(c *ipctest.Control) error {
	var cfg Config
	if len(c.Args) > 2 {
		var err error
		if cfg.TLS, err = loadTLS(c.Args[2]); err != nil {
			return err
		}
	}
	l, err := Listen(c.Args[0], c.Args[1], &cfg)
	if err != nil {
		return err
	}
	c.AtEnd(func() { l.Close() })
	c.Say("%s", l.Addr())
	echo(l)
	return nil
})

// echo sends back what comes until the listener is closed.
func echo(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			buf := make([]byte, 64<<10)
			for {
				n, err := c.Read(buf)
				if err != nil {
					return
				}
				if _, err := c.Write(buf[:n]); err != nil {
					return
				}
			}
		}()
	}
}

// ask sends text and expects it back.
func ask(t testing.TB, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("%q, %v", got, err)
	}
}

// saveTLS writes certificates to files in a directory, for loadTLS in another process.
func saveTLS(t testing.TB, dir string, c tls.Certificate, authority *x509.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: c.Certificate[0]},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: key},
		"ca.pem":   {Type: "CERTIFICATE", Bytes: authority.Raw},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func loadTLS(dir string) (*tls.Config, error) {
	c, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &tls.Config{Certificates: []tls.Certificate{c}, ClientCAs: pool, RootCAs: pool}, err
}

func TestTwoProcesses(t *testing.T) {
	for name, e := range endpoints(t) {
		t.Run(name, func(t *testing.T) {
			args := []string{e.network, e.address(t)}
			if e.network == "tls" {
				a, dir := newAuthority(t), t.TempDir()
				saveTLS(t, dir, a.sign(t, x509.ExtKeyUsageServerAuth), a.cert)
				args, e.client = append(args, dir), &Config{TLS: a.clientTLS(t)}
			}
			server := ipctest.Start(t, echoServer, args...)
			address := server.Hear()
			c := mustDial(t, e.network, address, e.client)
			ask(t, c, "hello")
			if peer := c.Peer(); e.network == "unix" && peer.PID != server.Process.Pid {
				t.Errorf("the peer is %v, not process %d", peer, server.Process.Pid)
			}
			server.Kill()
			if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Errorf("after the server was killed: %d, %v", n, err)
			}
			if _, err := Dial(t.Context(), e.network, address, e.client); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("dial to a killed server: %v", err)
			}
			again, err := Listen(e.network, address, e.server)
			if err != nil {
				t.Fatalf("the address of a killed server: %v", err)
			}
			defer again.Close()
			if took := again.Stats().TookOver; took != (name == "unix" || name == "unixpacket") {
				t.Errorf("TookOver: %v", took)
			}
			if _, err := Listen(e.network, address, e.server); !errors.Is(err, os.ErrExist) {
				t.Errorf("the address of a live server: %v", err)
			}
		})
	}
}

// A client that waits meets a server that starts later.
func TestDialWait(t *testing.T) {
	for name, e := range endpoints(t) {
		t.Run(name, func(t *testing.T) {
			address := e.address(t)
			if !isLocal(e) { // a port that was free a moment ago
				l := mustListen(t, e)
				address = l.Addr().String()
				l.Close()
			}
			dialled := make(chan error, 1)
			go func() {
				c, err := DialWait(t.Context(), e.network, address, e.client)
				if err == nil {
					c.Close()
				}
				dialled <- err
			}()
			l, err := Listen(e.network, address, e.server)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if err := <-dialled; err != nil {
				t.Error(err)
			}
		})
		t.Run(name+" given up", func(t *testing.T) {
			gaveUp := errors.New("gave up")
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(gaveUp)
			if _, err := DialWait(ctx, e.network, "127.0.0.1:1", e.client); !errors.Is(err, gaveUp) {
				t.Error(err)
			}
		})
	}
}

func isLocal(e endpoint) bool {
	n, _ := transportOf(e.network)
	return n.local
}
