package socket

import (
	"path/filepath"
	"runtime"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestMain(m *testing.M) { ipctest.Main(m) }

func TestZeroValues(t *testing.T) {
	ipctest.TestZeroValues(t, new(Conn), new(Listener))
}

// endpoint is a kind of place where a test listens.
type endpoint struct {
	network        string
	server, client *Config
	address        func(testing.TB) string // a new one
}

// endpoints are one of each kind that the system has.
func endpoints(t testing.TB) map[string]endpoint {
	t.Helper()
	server, client := certificates(t)
	port := func(testing.TB) string { return "127.0.0.1:0" }
	all := map[string]endpoint{
		"tcp": {"tcp", nil, nil, port},
		"tls": {"tls", &Config{TLS: server}, &Config{TLS: client}, port},
	}
	if runtime.GOOS != "windows" {
		all["unix"] = endpoint{"unix", nil, nil, socketPath}
	}
	if runtime.GOOS == "linux" {
		all["abstract"] = endpoint{"unix", nil, nil, func(testing.TB) string { return "@" + ipctest.UniqueName() }}
		all["unixpacket"] = endpoint{"unixpacket", nil, nil, socketPath}
	}
	return all
}

// socketPath returns a short path of its own.
func socketPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "s")
}

func mustListen(t testing.TB, e endpoint) *Listener {
	t.Helper()
	l, err := Listen(e.network, e.address(t), e.server)
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

func mustDial(t testing.TB, network, address string, cfg *Config) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), network, address, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// pair returns both ends of a connection.
func pair(t testing.TB, e endpoint) (client, server *Conn) {
	t.Helper()
	l := mustListen(t, e)
	client = mustDial(t, e.network, l.Addr().String(), e.client)
	server, err := l.AcceptContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return client, server
}
