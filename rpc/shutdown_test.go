package rpc_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// listen returns a listener of package net, for "unix" on Windows one of TCP: Wine has no Unix
// sockets.
func listen(t testing.TB, network string) net.Listener {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" && runtime.GOOS != "windows" {
		address = filepath.Join(t.TempDir(), "s")
	} else {
		network = "tcp"
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serveAt serves Calc at a listener.
func serveAt(t testing.TB, l net.Listener, object any, cfg *rpc.Config) *rpc.Server {
	t.Helper()
	if l.Addr().Network() == "tcp" && (cfg == nil || cfg.Token == "") {
		insecure := rpc.Config{}
		if cfg != nil {
			insecure = *cfg
		}
		insecure.Insecure = true
		cfg = &insecure
	}
	s := must(rpc.NewServer(cfg))
	if err := s.Register("Calc", object); err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-served })
	return s
}

func dialAt(l net.Listener) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, l.Addr().Network(), l.Addr().String())
	}
}

// The answers of what runs at Shutdown arrive, though others call on until the end.
func TestShutdownLosesNoAnswer(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		for range 20 {
			shutdownWhileCalled(t, network)
		}
	}
}

func shutdownWhileCalled(t *testing.T, network string) {
	object, l := newCalc(), listen(t, network)
	s := serveAt(t, l, object, &rpc.Config{Insecure: true})
	o := dialled(t, dialAt(l), nil).Object("Calc")
	running := make(chan error, 4)
	for range cap(running) {
		go func() { _, err := rpc.Call[int](background, o, "Slow", 20); running <- err }()
		<-object.entered
	}
	var others sync.WaitGroup
	ctx, cancel := context.WithCancel(background)
	for range 4 {
		others.Go(func() {
			for ctx.Err() == nil {
				rpc.Call[int](ctx, o, "Add", 1, 2)
			}
		})
	}
	if err := s.Shutdown(background); err != nil {
		t.Error(err)
	}
	for range cap(running) {
		if err := <-running; err != nil {
			t.Errorf("%s: %v", network, err)
		}
	}
	cancel()
	others.Wait()
}

// A large answer arrives whole at a client that sends on while the server shuts down.
func TestShutdownBesideASender(t *testing.T) {
	l := listen(t, "tcp")
	s := serveAt(t, l, newCalc(), &rpc.Config{Insecure: true})
	r := newRaw(t, must(net.Dial("tcp", l.Addr().String())))
	defer r.Close()
	r.send(frame(`{"jsonrpc":"2.0","id":7,"method":"Calc.Echo","params":["` + strings.Repeat("AAAA", 500_000) + `"]}`))
	first, err := r.r.Peek(1) // the answer has begun
	if err != nil || first[0] != 'C' {
		t.Fatal(first, err)
	}
	stop := make(chan struct{})
	var sender sync.WaitGroup
	sender.Go(func() {
		for note := frame(`{"jsonrpc":"2.0","method":"Calc.Nothing"}`); ; {
			select {
			case <-stop:
				return
			default:
				if _, err := io.WriteString(r.Conn, note); err != nil {
					return
				}
			}
		}
	})
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(background) }()
	if body, err := r.next(); err != nil || len(body) < 2_000_000 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	close(stop)
	sender.Wait()
	r.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// However often a peer sends, the time in which it has to take the rest is one.
func TestShutdownIsNotStretched(t *testing.T) {
	l := listen(t, "unix")
	s := serveAt(t, l, newCalc(), nil)
	c := must(dialAt(l)(background))
	defer c.Close()
	for range 3 {
		io.WriteString(c, frame(`{"jsonrpc":"2.0","id":1,"method":"Calc.Echo","params":["`+strings.Repeat("AAAA", 80_000)+`"]}`))
	}
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
				if _, err := io.WriteString(c, frame(addition)); err != nil {
					return
				}
			}
		}
	}()
	start := time.Now()
	ctx, cancel := context.WithTimeout(background, 20*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	ipctest.WantSince(t, start, 5*time.Second)
}

// Callers of a server that is closed did not cancel anything.
func TestCloseIsNoCancel(t *testing.T) {
	for range 20 {
		object, l := newCalc(), listen(t, "unix")
		s := serveAt(t, l, object, nil)
		o := dialled(t, dialAt(l), nil).Object("Calc")
		ended := make(chan error, 8)
		for range cap(ended) {
			go func() { _, err := rpc.Call[any](background, o, "Block"); ended <- err }()
			<-object.entered
		}
		s.Close()
		for range cap(ended) {
			if err := <-ended; !errors.Is(err, rpc.ErrLost) {
				t.Fatal(err)
			}
		}
	}
}

// A connection in the handshake of crypto/tls doesn't outlive Close.
func TestCloseEndsHandshakes(t *testing.T) {
	ours, _ := certificate(t)
	l := listen(t, "tcp")
	s := serveAt(t, tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{ours}}), newCalc(), &rpc.Config{Token: "x"})
	c := must(net.Dial("tcp", l.Addr().String()))
	defer c.Close()
	io.WriteString(c, "\x16\x03\x01\x10") // a record begins
	other := dialled(t, func(ctx context.Context) (net.Conn, error) {
		return tls.Client(must(net.Dial("tcp", l.Addr().String())), &tls.Config{InsecureSkipVerify: true}), nil
	}, &rpc.Config{Token: "x"}) // was accepted after it
	defer other.Close()
	start := time.Now()
	s.Close()
	c.SetReadDeadline(start.Add(time.Minute))
	io.Copy(io.Discard, c)
	ipctest.WantSince(t, start, 3*time.Second)
}

// Calls of a client that cancelled all don't hold up its Close.
func TestCloseBesideAPeerThatReadsNothing(t *testing.T) {
	l := listen(t, "unix")
	defer l.Close()
	c := dialled(t, dialAt(l), nil)
	silent := must(l.Accept())
	defer silent.Close()
	ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	for range 3 {
		rpc.Call[any](ctx, c.Object("Calc"), "Echo", make([]byte, 300_000))
	}
	start := time.Now()
	c.Close()
	ipctest.WantSince(t, start, time.Second)
}

// Idempotent calls are all answered while the server is made again and again.
func TestIdempotentThroughRestarts(t *testing.T) {
	l := listen(t, "unix")
	s := serveAt(t, l, newCalc(), nil)
	restart := func() *rpc.Server {
		again, err := net.Listen(l.Addr().Network(), l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return serveAt(t, again, newCalc(), nil)
	}
	c := dialled(t, dialAt(l), nil)
	o := c.Object("Calc").Idempotent()
	ctx, cancel := context.WithCancel(background)
	var callers sync.WaitGroup
	for range 6 {
		callers.Go(func() {
			for ctx.Err() == nil {
				if n, err := rpc.Call[int](background, o, "Add", 1, 2); err != nil || n != 3 {
					t.Error(n, err)
				}
			}
		})
	}
	for range 50 {
		<-time.After(5 * time.Millisecond)
		s.Close()
		s = restart()
	}
	cancel()
	callers.Wait()
}

// Calls that coincide with Close are told of it.
func TestCallsBesideClose(t *testing.T) {
	for range ipctest.Count(30_000) {
		here, there := net.Pipe()
		s := must(rpc.NewServer(nil))
		if err := s.RegisterFunc("double", func(n int) int { return 2 * n }); err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- s.ServeConn(there) }()
		c := must(rpc.NewClient(background, here, nil))
		var callers sync.WaitGroup
		begun := make(chan struct{}, 2)
		for range 2 {
			callers.Go(func() {
				var err error
				for first := true; err == nil; first = false {
					if _, err = rpc.Call[int](background, c.Object(""), "double", 1); first {
						begun <- struct{}{}
					}
				}
				if !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
			})
		}
		<-begun
		c.Close()
		callers.Wait()
		s.Close()
		<-served
	}
}
