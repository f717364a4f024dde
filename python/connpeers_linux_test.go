package python

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// firstWithTheseConnections is Python 3.6, the oldest that tests run.
const firstWithTheseConnections = 6

const connectionPeer = "testdata/connection.py"

var rightKey, wrongKey = []byte("the right key"), []byte("another key")

func eachPython(t *testing.T, test func(t *testing.T, peer ipctest.Program)) {
	t.Helper()
	for python, peer := range ipctest.Pythons(t, firstWithTheseConnections, connectionPeer) {
		t.Run(versionOf(python), func(t *testing.T) { test(t, peer) })
	}
}

// keyed returns the settings for a key, and how the peer is told it.
func keyed(key []byte) (cfg *Config, text string) {
	if key == nil {
		return &Config{NoAuth: true}, "none"
	}
	return &Config{AuthKey: key}, hex.EncodeToString(key)
}

// listen listens at a path, or for "tcp" at a port.
func listen(t *testing.T, network string, cfg *Config) *Listener {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	below, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewListener(below, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// talk has messages of many sizes sent back.
func talk(t *testing.T, c *Conn, sizes ...int) {
	t.Helper()
	for _, size := range append([]int{0, 1, 255, 16 << 10, 16<<10 + 1, 1 << 20}, sizes...) {
		message := bytes.Repeat([]byte{byte(size), 7}, (size+1)/2)[:size]
		sent := make(chan error, 1)
		go func() { sent <- c.Send(message) }() // Python reads all before it answers
		got, err := c.Receive(nil)
		if err := errors.Join(<-sent, err); err != nil || !bytes.Equal(got, message) {
			t.Fatalf("%d bytes: %d came back, %v", size, len(got), err)
		}
	}
}

// Python's Client and our Listener: right key, none, wrong, empty; 100 MiB.
func TestPythonClient(t *testing.T) {
	eachPython(t, func(t *testing.T, peer ipctest.Program) {
		for _, network := range []string{"tcp", "unix"} {
			for name, key := range map[string][]byte{"key": rightKey, "no key": nil} {
				t.Run(network+" "+name, func(t *testing.T) {
					cfg, text := keyed(key)
					l := listen(t, network, cfg)
					p := ipctest.StartCommand(t, peer("client", l.Addr().String(), text))
					c, err := l.Accept(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					defer c.Close()
					p.Expect("connected")
					talk(t, c)
				})
			}
		}
		t.Run("refused", func(t *testing.T) {
			cfg, _ := keyed(rightKey)
			refusals := make(chan error, 10)
			cfg.Logger = refusalLog(refusals)
			l := listen(t, "tcp", cfg)
			for _, key := range [][]byte{wrongKey, {}} {
				p := ipctest.StartCommand(t, peer("client", l.Addr().String(), hex.EncodeToString(key)))
				p.Expect("refused")
				if err := <-refusals; !errors.Is(err, os.ErrPermission) {
					t.Errorf("key %q: %v", key, err)
				}
			}
		})
		t.Run("100 MiB", func(t *testing.T) {
			cfg, text := keyed(rightKey)
			l := listen(t, "unix", cfg)
			ipctest.StartCommand(t, peer("client", l.Addr().String(), text)).Expect("connected")
			c, err := l.Accept(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			talk(t, c, 100<<20)
		})
	})
}

// Python's Listener and our Client.
func TestPythonListener(t *testing.T) {
	eachPython(t, func(t *testing.T, peer ipctest.Program) {
		dial := func(t *testing.T, address string, cfg *Config) (*Conn, error) {
			t.Helper()
			network := "tcp"
			if strings.HasPrefix(address, "/") {
				network = "unix"
			}
			below, err := net.Dial(network, address)
			if err != nil {
				t.Fatal(err)
			}
			return Client(t.Context(), below, cfg)
		}
		for _, at := range []string{"127.0.0.1:0", filepath.Join(t.TempDir(), "s")} {
			for name, key := range map[string][]byte{"key": rightKey, "no key": nil} {
				t.Run(filepath.Dir(at)+" "+name, func(t *testing.T) {
					cfg, text := keyed(key)
					p := ipctest.StartCommand(t, peer("listener", at, text))
					address := p.Hear()
					c, err := dial(t, address, cfg)
					if err != nil {
						t.Fatal(err)
					}
					p.Expect("connected")
					talk(t, c)
					c.Close()
					p.Process.Kill() // it waits for more, and would leave its socket otherwise
					os.Remove(address)
				})
			}
		}
		t.Run("refused", func(t *testing.T) {
			_, text := keyed(rightKey)
			p := ipctest.StartCommand(t, peer("listener", "127.0.0.1:0", text))
			address := p.Hear()
			if _, err := dial(t, address, &Config{AuthKey: wrongKey}); !errors.Is(err, os.ErrPermission) {
				t.Error(err)
			}
			p.Expect("refused")
			c, err := dial(t, address, &Config{AuthKey: rightKey})
			if err != nil {
				t.Fatal(err)
			}
			p.Expect("connected")
			c.Close()
			p.Process.Kill()
		})
	})
}

// call calls a method of a BaseManager with serializer="xmlrpclib": (id, method, args,
// kwds), which it answers with (kind, result).
func call(t *testing.T, c *Conn, id, method, args string) string {
	t.Helper()
	array := func(elements ...string) string {
		var b strings.Builder
		for _, e := range elements {
			fmt.Fprintf(&b, "<value>%s</value>", e)
		}
		return "<array><data>" + b.String() + "</data></array>"
	}
	request := array(id, "<string>"+method+"</string>", args, "<struct></struct>")
	if err := c.Send([]byte("<params><param><value>" + request + "</value></param></params>")); err != nil {
		t.Fatal(err)
	}
	answer, err := c.Receive(nil)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for in := xml.NewDecoder(bytes.NewReader(answer)); ; {
		token, err := in.Token()
		if err != nil {
			return strings.Join(strings.Fields(text.String()), " ")
		}
		if words, ok := token.(xml.CharData); ok {
			text.WriteString(string(words) + " ")
		}
	}
}

func TestPythonManager(t *testing.T) {
	eachPython(t, func(t *testing.T, peer ipctest.Program) {
		cfg, text := keyed(rightKey)
		p := ipctest.StartCommand(t, peer("manager", text))
		address := p.Hear()
		connect := func() *Conn {
			below, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			c, err := Client(context.Background(), below, cfg)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		creating := connect()
		created := strings.Fields(call(t, creating, "<nil/>", "create", "<array><data><value><string>Adder</string></value></data></array>"))
		creating.Close()
		if len(created) != 3 || created[0] != "#RETURN" || created[2] != "add" {
			t.Fatalf("%q", created)
		}
		c := connect()
		defer c.Close()
		if got := call(t, c, "<nil/>", "accept_connection", "<array><data><value><string>go</string></value></data></array>"); got != "#RETURN" {
			t.Fatalf("%q", got)
		}
		const args = "<array><data><value><int>40</int></value><value><int>2</int></value></data></array>"
		if got := call(t, c, "<string>"+created[1]+"</string>", "add", args); got != "#RETURN 42" {
			t.Errorf("%q", got)
		}
		p.Process.Kill()
	})
}

// The programs of docs/interop.md.
func TestInteropConnections(t *testing.T) {
	key := &Config{AuthKey: []byte("the secret")}
	for python, peer := range ipctest.Pythons(t, firstWithTheseConnections, "testdata/conn_client.py") {
		t.Run("client "+versionOf(python), func(t *testing.T) {
			l := listen(t, "unix", key)
			p := ipctest.StartCommand(t, peer(l.Addr().String()))
			c, err := l.Accept(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if got, err := c.Receive(nil); string(got) != "hello" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
			if err := c.Send([]byte("welcome")); err != nil {
				t.Error(err)
			}
			p.Expect("welcome")
		})
	}
	for python, peer := range ipctest.Pythons(t, firstWithTheseConnections, "testdata/conn_listener.py") {
		t.Run("listener "+versionOf(python), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			p := ipctest.StartCommand(t, peer(path))
			p.Expect("listening")
			below, err := net.Dial("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			c, err := Client(t.Context(), below, key)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.Send([]byte("hello")); err != nil {
				t.Error(err)
			}
			if got, err := c.Receive(nil); string(got) != "got hello" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
			if err := p.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}
