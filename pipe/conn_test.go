package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/net/nettest"
)

var nameCount atomic.Int64

// uniqueName returns a pipe name that no other test uses.
func uniqueName(t testing.TB) string {
	return fmt.Sprintf("bw-%d-%d", os.Getpid(), nameCount.Add(1))
}

// echoServer listens at Args[0] and sends everything back, on one connection
// after the other.
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
	name := uniqueName(t)
	server := ipctest.Start(t, echoServer, name)
	server.Expect("listening")
	c, err := Dial(context.Background(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Peer().PID != server.Cmd.Process.Pid && !ipctest.UnderWine() {
		t.Errorf("peer is %v, want pid %d", c.Peer(), server.Cmd.Process.Pid)
	}
	const text = "through the breezeway"
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestConnConformance(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		client, server, err := connected(t, nil, nil)
		if err != nil {
			return nil, nil, nil, err
		}
		return client, server, func() { client.Close(); server.Close() }, nil
	})
}

// connected returns both ends of a connection within this process.
func connected(t testing.TB, clientCfg, serverCfg *Config) (client, server *Conn, err error) {
	name := uniqueName(t)
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

func TestMessages(t *testing.T) {
	cfg := &Config{Message: true}
	client, server, err := connected(t, cfg, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	big := strings.Repeat("x", DefaultMaxMessage)
	go func() {
		for _, m := range []string{"one", "", "three", big} {
			if _, err := io.WriteString(client, m); err != nil {
				t.Error(err)
			}
		}
		client.Close()
	}()
	buf := make([]byte, 4)
	for _, want := range []struct {
		text string
		err  error
	}{{"one", nil}, {"", nil}, {"thre", ErrMoreData}, {"e", nil}} {
		n, err := server.Read(buf)
		if string(buf[:n]) != want.text || err != want.err {
			t.Fatalf("read %q, %v; want %q, %v", buf[:n], err, want.text, want.err)
		}
	}
	if got, err := server.ReadMessage(nil); err != nil || string(got) != big {
		t.Fatalf("big message: %d bytes, %v", len(got), err)
	}
	if _, err := server.Read(buf); err != io.EOF {
		t.Fatalf("at the end: %v", err)
	}
}

func TestDialWithoutServer(t *testing.T) {
	start := time.Now()
	_, err := Dial(context.Background(), uniqueName(t), nil)
	if !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("%v", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
	t.Log(err)
}
