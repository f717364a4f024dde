package socket

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// generation serves at a network and address until a successor has the listener and all
// clients have been served. What it sends back begins with its number.
var generation = ipctest.Helper("generation", func(c *ipctest.Control) error {
	cfg := Config{HandOver: c.Args[2]}
	if len(c.Args) > 4 {
		var err error
		if cfg.TLS, err = loadTLS(c.Args[4]); err != nil {
			return err
		}
	}
	l, err := Listen(c.Args[0], c.Args[1], &cfg)
	if err != nil {
		return err
	}
	c.AtEnd(func() { l.Close() })
	c.Say("%s", l.Addr())
	var open sync.WaitGroup
	for {
		conn, err := l.Accept()
		if errors.Is(err, ErrHandedOver) {
			break
		}
		if err != nil {
			return err
		}
		open.Go(func() {
			defer conn.Close()
			buf := make([]byte, 100)
			if n, err := conn.Read(buf); err == nil {
				fmt.Fprintf(conn, "%s %s", c.Args[3], buf[:n])
			}
		})
	}
	open.Wait()
	return l.Close()
})

// A client that connects in a loop sees no refusal and loses no reply while the server is
// restarted again and again.
func TestRestarts(t *testing.T) {
	const restarts = 20
	for name, e := range endpoints(t) {
		t.Run(name, func(t *testing.T) {
			side := socketPath(t)
			args := []string{e.network, e.address(t), side, "0"}
			if e.network == "tls" {
				a, dir := newAuthority(t), t.TempDir()
				saveTLS(t, dir, a.sign(t, x509.ExtKeyUsageServerAuth), a.cert)
				args, e.client = append(args, dir), &Config{TLS: a.clientTLS(t)}
			}
			now := ipctest.Start(t, generation, args...)
			address := now.Hear()

			stop := make(chan struct{})
			var clients sync.WaitGroup
			answers := make([]int, 4)
			for i := range answers {
				clients.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						if err := askOnce(t, e, address); err != nil {
							t.Errorf("after %d answers: %v", answers[i], err)
							return
						}
						answers[i]++
					}
				})
			}
			for n := range restarts {
				args[3] = fmt.Sprint(n + 1)
				next := ipctest.Start(t, generation, args...)
				if got := next.Hear(); got != address {
					t.Errorf("the successor is at %s, not at %s", got, address)
				}
				if err := now.Wait(); err != nil {
					t.Errorf("generation %d: %v: %s", n, err, now.Stderr())
				}
				now = next
			}
			close(stop)
			clients.Wait()
			if e.network == "unix" {
				c := mustDial(t, e.network, address, e.client)
				if c.Peer().PID != now.Process.Pid {
					t.Errorf("the peer is %v, not process %d", c.Peer(), now.Process.Pid)
				}
			}
			t.Logf("%d answers during %d restarts", answers, restarts)
			now.CloseInput()
			now.Wait()
			for _, path := range []string{side, address} {
				if _, err := os.Lstat(path); filepath.IsAbs(path) && !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s was left: %v", path, err)
				}
			}
		})
	}
}

func askOnce(t testing.TB, e endpoint, address string) error {
	c, err := Dial(t.Context(), e.network, address, e.client)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, "hello"); err != nil {
		return err
	}
	buf := make([]byte, 100)
	n, err := c.Read(buf)
	if err != nil {
		return err
	}
	var from int
	if _, err := fmt.Sscanf(string(buf[:n]), "%d hello", &from); err != nil {
		return fmt.Errorf("%q: %w", buf[:n], err)
	}
	return nil
}

// What doesn't fit is refused, and the predecessor goes on.
func TestHandOverRefused(t *testing.T) {
	side := socketPath(t)
	e := endpoint{network: "unix", address: socketPath, server: &Config{HandOver: side}}
	l := mustListen(t, e)
	at := l.Addr().String()
	for name, test := range map[string]struct {
		network, address, side string
		want                   error
	}{
		"another address":  {"unix", at + "x", side, breezeway.ErrMismatch},
		"another network":  {"unixpacket", at, side, breezeway.ErrMismatch},
		"its own path":     {"unix", side, side, os.ErrInvalid},
		"an abstract name": {"unix", at, "@" + ipctest.UniqueName(), os.ErrInvalid},
		"another side":     {"unix", at, side + "x", os.ErrExist},
	} {
		if got, err := Listen(test.network, test.address, &Config{HandOver: test.side}); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	// A successor that dies, talks nonsense, or says nothing until the listener closes.
	for _, answer := range []string{"", "nonsense", "take"} {
		c, err := net.Dial("unix", side)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, answer)
		c.Close()
	}
	silent, err := net.Dial("unix", side)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	mustDial(t, "unix", at, nil)
	c, err := l.AcceptContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// A connection that was accepted before is the predecessor's.
func TestHandOverKeepsAccepted(t *testing.T) {
	side := socketPath(t)
	cfg := &Config{HandOver: side}
	first := mustListen(t, endpoint{network: "unix", address: socketPath, server: cfg})
	address := first.Addr().String()
	before := mustDial(t, "unix", address, nil)
	a, err := first.AcceptContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	second, err := Listen("unix", address, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := first.Accept(); !errors.Is(err, ErrHandedOver) || !errors.Is(err, net.ErrClosed) {
		t.Errorf("the predecessor's Accept: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	go io.WriteString(before, "hello")
	if n, err := a.Read(make([]byte, 10)); n != 5 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	after := mustDial(t, "unix", address, nil)
	b, err := second.AcceptContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	after.Close()
	if _, err := b.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
}
