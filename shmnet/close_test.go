//go:build linux || windows

package shmnet

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// writers send small pieces until they fail, and return how many bytes they say were
// sent.
var writers = map[string]func(c *Conn) (sent int64, err error){
	"Write": func(c *Conn) (sent int64, err error) {
		for err == nil {
			var n int
			n, err = io.WriteString(c, "0123456789abcdef")
			sent += int64(n)
		}
		return sent, err
	},
	"Commit": func(c *Conn) (sent int64, err error) {
		for {
			p, err := c.Reserve(16)
			if err != nil {
				return sent, err
			}
			if err := c.Commit(len(p)); err != nil {
				return sent, err
			}
			sent += int64(len(p))
		}
	},
	"ReadFrom": func(c *Conn) (sent int64, err error) {
		for err == nil {
			var n int64
			n, err = c.ReadFrom(strings.NewReader("0123456789abcdef"))
			sent += n
		}
		return sent, err
	},
}

// TestCloseEndsAfterWhatWasSent closes a connection while it is written to: the other
// side reads exactly the bytes that are said to be sent, then the end, and nothing after.
func TestCloseEndsAfterWhatWasSent(t *testing.T) {
	for name, write := range writers {
		t.Run(name, func(t *testing.T) {
			l := mustListen(t, ipctest.UniqueName(), nil)
			for range ipctest.Count(50_000) {
				if closeWhile(t, l, write); t.Failed() {
					return
				}
			}
		})
	}
}

func closeWhile(t *testing.T, l *Listener, write func(*Conn) (int64, error)) {
	client, err := Dial(context.Background(), l.name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server := mustAccept(t, l)
	defer server.Close()
	writing := make(chan int64, 1)
	go func() {
		sent, err := write(client)
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("the writer: %v", err)
		}
		writing <- sent
	}()
	if _, err := server.Peek(1); err != nil { // it writes by now
		t.Fatal(err)
	}
	closing := make(chan error, 1)
	go func() { closing <- client.Close() }()
	got, err := server.WriteTo(io.Discard)
	if err != nil {
		t.Errorf("the reader: %v", err)
	}
	if sent := <-writing; sent != got {
		t.Errorf("%d bytes are said to be sent, %d were read", sent, got)
	}
	if n, err := server.Read(make([]byte, 16)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d bytes, %v", n, err)
	}
	if err := <-closing; err != nil {
		t.Error(err)
	}
}

// TestCloseThatIsAnswered closes one end while it is used, and the other side closes as
// soon as it learns of that: the calls of this end fail with [net.ErrClosed].
func TestCloseThatIsAnswered(t *testing.T) {
	l := mustListen(t, ipctest.UniqueName(), nil)
	for range ipctest.Count(30_000) {
		client, err := Dial(t.Context(), l.name, nil)
		if err != nil {
			t.Fatal(err)
		}
		server := mustAccept(t, l)
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			io.Copy(io.Discard, server)
			server.Close()
		}()
		var calls sync.WaitGroup
		for _, call := range []func() error{
			func() error { _, err := client.Write([]byte("x")); return err },
			func() error { _, err := client.Read(make([]byte, 1)); return err },
			func() error { return client.Drain(context.Background()) },
		} {
			calls.Go(func() {
				var err error
				for err == nil {
					err = call()
				}
				if !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
			})
		}
		runtime.Gosched()
		client.Close()
		calls.Wait()
		<-answered
	}
}
