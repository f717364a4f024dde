package shmnet

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// usual is what connections travel by if the Config doesn't say.
func usual() Transport {
	if runtime.GOOS == "linux" || runtime.GOOS == "windows" {
		return SharedMemory
	}
	return Plain
}

// echoServer listens at Args[0] and sends everything back, on one connection after the
// other.
var echoServer = ipctest.Helper("echo server", func(c *ipctest.Control) error {
	l, err := Listen(c.Args[0], nil)
	if err != nil {
		return err
	}
	c.AtEnd(func() { l.Close() })
	c.Say("listening")
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		if _, err := io.Copy(conn, conn); err != nil {
			c.Say("%v", err)
		}
		conn.Close()
	}
})

func TestTwoProcesses(t *testing.T) {
	name := ipctest.UniqueName()
	server := ipctest.Start(t, echoServer, name)
	server.Expect("listening")
	c, err := Dial(context.Background(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Transport() != usual() {
		t.Errorf("the transport is %v, want %v", c.Transport(), usual())
	}
	if c.Peer().PID != server.Cmd.Process.Pid && !ipctest.UnderWine() {
		t.Errorf("peer is %v, want pid %d", c.Peer(), server.Cmd.Process.Pid)
	}
	const text = "through the breezeway"
	for range 3 {
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(text))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
			t.Fatalf("got %q, %v", got, err)
		}
	}
}

// transports are the ways in which both ends of a connection may come to their
// transport.
var transports = map[string]struct {
	client, server *Config
	want           Transport
}{
	"shared memory":     {nil, nil, usual()},
	"small rings":       {nil, &Config{BufferSize: 1}, usual()},
	"plain":             {&Config{Plain: true}, &Config{Plain: true}, Plain},
	"the server's wish": {nil, &Config{Plain: true}, Plain},
	"the client's wish": {&Config{Plain: true}, nil, Plain},
}

func TestConnConformance(t *testing.T) {
	for name, test := range transports {
		t.Run(name, func(t *testing.T) {
			ipctest.TestConn(t, func() (net.Conn, net.Conn, error) {
				client, server, err := connected(test.client, test.server)
				if err != nil {
					return nil, nil, err
				}
				if got := client.Transport(); got != test.want {
					t.Errorf("the transport is %v, want %v", got, test.want)
				}
				return client, server, nil
			})
		})
	}
}

func TestListenerConformance(t *testing.T) {
	ipctest.TestListener(t, func(before net.Listener) (net.Listener, error) {
		name := ipctest.UniqueName()
		if before != nil {
			name = before.(*Listener).name
		}
		return Listen(name, nil)
	}, func(l net.Listener) (net.Conn, error) {
		return Dial(context.Background(), l.(*Listener).name, nil)
	})
}

// connected returns both ends of a connection within this process.
func connected(clientCfg, serverCfg *Config) (client, server *Conn, err error) {
	name := ipctest.UniqueName()
	l, err := Listen(name, serverCfg)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	client, err = Dial(context.Background(), name, clientCfg)
	if err != nil {
		return nil, nil, err
	}
	server, err = l.AcceptContext(context.Background())
	return client, server, err
}

func TestZeroValues(t *testing.T) {
	ipctest.TestZeroValues(t, (*Conn)(nil), new(Conn), (*Listener)(nil), new(Listener), Addr(""), Transport(0))
}

// TestHalf ends one direction.
func TestHalf(t *testing.T) {
	if usual() != SharedMemory {
		t.Skip("there is no shared memory for connections on this system")
	}
	client, server, err := connected(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	if _, err := io.WriteString(client, "request"); err != nil {
		t.Fatal(err)
	}
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write after CloseWrite: %v", err)
	}
	if got, err := io.ReadAll(server); string(got) != "request" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := io.WriteString(server, "answer"); err != nil {
		t.Fatal(err)
	}
	server.Close()
	if got, err := io.ReadAll(client); string(got) != "answer" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestDrain(t *testing.T) {
	for name, test := range transports {
		t.Run(name, func(t *testing.T) {
			client, server, err := connected(test.client, test.server)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			defer server.Close()
			if _, err := client.Write(make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
			defer cancel()
			if err := client.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("before it was read: %v", err)
			}
			drained := make(chan error)
			go func() { drained <- client.Drain(context.Background()) }()
			if _, err := io.ReadFull(server, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			if err := <-drained; err != nil {
				t.Error(err)
			}
			if client.PeerClosed() {
				t.Error("the peer is said to have closed")
			}
			if _, err := client.Write(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			server.Close()
			if err := client.Drain(context.Background()); !errors.Is(err, io.ErrClosedPipe) && (runtime.GOOS != "windows" || test.want == SharedMemory) {
				t.Errorf("after the peer has left: %v", err)
			}
			if !client.PeerClosed() {
				t.Error("the peer is not said to have closed")
			}
		})
	}
}
