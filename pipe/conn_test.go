package pipe

import (
	"context"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

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
	name := ipctest.UniqueName()
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
	ipctest.TestConn(t, func() (net.Conn, net.Conn, error) { return connected(t, nil, nil) })
}

// messageStream reads messages as a stream.
type messageStream struct{ *Conn }

func (s messageStream) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if err == ErrMoreData {
		err = nil
	}
	return n, err
}

func TestMessageModeConformance(t *testing.T) {
	connect := func() (net.Conn, net.Conn, error) {
		client, server, err := connected(t, messages, messages)
		return messageStream{client}, messageStream{server}, err
	}
	if runtime.GOOS == "windows" {
		// nettest goes on writing after a deadline has ended a Write that waited.
		t.Log("without nettest: Windows does not tell whether the reader has had a part of a message that was withdrawn, so nothing follows it")
		ipctest.TestConnOfOurs(t, connect)
		return
	}
	ipctest.TestConn(t, connect)
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
func connected(t testing.TB, clientCfg, serverCfg *Config) (client, server *Conn, err error) {
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
