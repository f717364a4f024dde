package rpc_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/rpc"
	"github.com/breezeway-ipc/breezeway/shmnet"
)

// silentServers are servers that accept and never read. Each listens, and returns how to dial it.
var silentServers = []struct {
	name   string
	listen func(t *testing.T) (net.Listener, func(context.Context) (net.Conn, error))
}{
	{"unix", func(t *testing.T) (net.Listener, func(context.Context) (net.Conn, error)) {
		l := listen(t, "unix")
		return l, dialAt(l)
	}},
	{"tcp", func(t *testing.T) (net.Listener, func(context.Context) (net.Conn, error)) {
		l := listen(t, "tcp")
		return l, dialAt(l)
	}},
	{"tls", func(t *testing.T) (net.Listener, func(context.Context) (net.Conn, error)) {
		l := listen(t, "tcp")
		dial := dialAt(l)
		return l, func(ctx context.Context) (net.Conn, error) {
			c, err := dial(ctx)
			if err != nil {
				return nil, err
			}
			return tls.Client(c, &tls.Config{InsecureSkipVerify: true}), nil // shakes hands with the first message
		}
	}},
	{"pipe", func(t *testing.T) (net.Listener, func(context.Context) (net.Conn, error)) {
		name := ipctest.UniqueName()
		l, err := pipe.Listen(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		return l, dialPipe(name)
	}},
	{"shmnet", func(t *testing.T) (net.Listener, func(context.Context) (net.Conn, error)) {
		name := ipctest.UniqueName()
		l, err := shmnet.Listen(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		return l, func(ctx context.Context) (net.Conn, error) {
			c, err := shmnet.Dial(ctx, name, nil)
			if err != nil {
				return nil, err
			}
			return c, nil
		}
	}},
}

// With a server that accepts and never reads, calls end with their contexts, however much they
// send, and so does presenting a token. Close waits for a notification no longer than its
// context.
func TestServerThatNeverReads(t *testing.T) {
	for _, s := range silentServers {
		for _, size := range []int{1, 60_000, 600_000} {
			for _, token := range []string{"", "token"} {
				t.Run(fmt.Sprint(s.name, " ", size, " ", token), func(t *testing.T) {
					dial := acceptAll(t, s.listen)
					ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
					defer cancel()
					start := time.Now()
					c, err := rpc.Dial(ctx, dial, &rpc.Config{Token: token})
					if err == nil {
						c.Object("Calc").Notify(ctx, "Note", make([]byte, size))
						_, err = rpc.Call[any](ctx, c.Object("Calc"), "Echo", make([]byte, size))
					}
					c.Close()
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Error(err)
					}
					ipctest.WantSince(t, start, 150*time.Millisecond)
				})
			}
		}
	}
}

// acceptAll lets a server accept connections, and returns how to dial it.
func acceptAll(t *testing.T, listen func(*testing.T) (net.Listener, func(context.Context) (net.Conn, error))) func(context.Context) (net.Conn, error) {
	l, dial := listen(t)
	var accepted []net.Conn
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted = append(accepted, c)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-over
		for _, c := range accepted {
			c.Close()
		}
	})
	return dial
}
