package shmnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// pattern is byte i of what victims and survivors send.
func pattern(i int) byte { return byte(i + i>>8 + i>>16) }

// sendPattern writes without end, in pieces of random length.
func sendPattern(w io.Writer) error {
	piece := make([]byte, 40<<10)
	for at := 0; ; {
		p := piece[:1+rand.N(len(piece))]
		for i := range p {
			p[i] = pattern(at + i)
		}
		n, err := w.Write(p)
		at += n
		if err != nil {
			return err
		}
	}
}

// checkPattern reads until the end, and fails if that isn't a prefix of what sendPattern
// writes.
func checkPattern(r io.Reader) error {
	buf := make([]byte, 50<<10)
	for at := 0; ; {
		n, err := r.Read(buf[:1+rand.N(len(buf))])
		for i := range n {
			if buf[i] != pattern(at+i) {
				return fmt.Errorf("byte %d is %#x, want %#x", at+i, buf[i], pattern(at+i))
			}
		}
		at += n
		if err != nil {
			return err
		}
	}
}

// TestClosedPeer closes a connection in mid-transfer: that is no death.
func TestClosedPeer(t *testing.T) {
	for range ipctest.Count(5000) {
		client, server, err := connected(nil, &Config{BufferSize: 16 << 10})
		if err != nil {
			t.Fatal(err)
		}
		reading, writing := make(chan error, 1), make(chan error, 1)
		go func() { reading <- checkPattern(server) }()
		go func() { writing <- sendPattern(client) }()
		time.Sleep(rand.N(time.Millisecond)) // a random moment is what is tested
		client.Close()
		if err := <-reading; err != io.EOF {
			t.Errorf("Read: %v", err)
		}
		if err := <-writing; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write: %v", err)
		}
		server.Close()
	}
}

// crowdServer listens at Args[0] and echoes, on all connections at once.
var crowdServer = ipctest.Helper("crowd server", func(c *ipctest.Control) error {
	l, err := Listen(c.Args[0], &Config{BufferSize: 8 << 10})
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
		go func() {
			defer conn.Close()
			if _, err := io.Copy(conn, conn); err != nil {
				c.Say("%v", err)
			}
		}()
	}
})

// TestCrowd has many connections at once, each with random traffic.
func TestCrowd(t *testing.T) {
	name := ipctest.UniqueName()
	server := ipctest.Start(t, crowdServer, name)
	server.Expect("listening")
	n := ipctest.Count(100_000) // a thousand
	if n = min(n, 1000); testing.Short() || ipctest.Slow() {
		n = min(n, 50)
	}
	done := make(chan error)
	for range n {
		go func() { done <- crowdClient(name) }()
	}
	for range n {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// crowdClient sends the pattern and checks its echo.
func crowdClient(name string) error {
	c, err := Dial(context.Background(), name, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	const total = 200 << 10
	writing := make(chan error, 1)
	go func() { writing <- sendSome(c, total) }()
	if err := checkPattern(io.LimitReader(c, total)); err != io.EOF {
		return err
	}
	return <-writing
}

func sendSome(w io.Writer, total int) error {
	buf := make([]byte, 10<<10)
	for at := 0; at < total; {
		p := buf[:min(total-at, 1+rand.N(len(buf)))]
		for i := range p {
			p[i] = pattern(at + i)
		}
		n, err := w.Write(p)
		if at += n; err != nil {
			return err
		}
	}
	return nil
}
