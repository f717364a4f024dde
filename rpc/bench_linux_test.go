package rpc_test

import (
	"context"
	"net"
	netrpc "net/rpc"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
	"github.com/breezeway-ipc/breezeway/shmnet"
)

// Pair is the argument that package net/rpc wants.
type Pair struct{ A, B int }

// Arith is the object that package net/rpc serves.
type Arith struct{}

func (Arith) Add(p Pair, sum *int) error { *sum = p.A + p.B; return nil }

// bothServing serves addition over two Unix sockets: by this package and by net/rpc.
var bothServing = ipctest.Helper("rpc both serving", func(c *ipctest.Control) error {
	ours, err := net.Listen("unix", filepath.Join(c.Args[0], "ours"))
	if err != nil {
		return err
	}
	theirs, err := net.Listen("unix", filepath.Join(c.Args[0], "theirs"))
	if err != nil {
		return err
	}
	c.AtEnd(func() { ours.Close(); theirs.Close() })
	s, err := rpc.NewServer(nil)
	if err != nil {
		return err
	}
	if err := s.Register("Calc", newCalc()); err != nil {
		return err
	}
	if err := netrpc.Register(Arith{}); err != nil {
		return err
	}
	go s.Serve(ours)
	go netrpc.Accept(theirs)
	c.Say("ready")
	c.Hear()
	return nil
})

// startBoth starts a process that serves addition in both ways.
func startBoth(t testing.TB) (p *ipctest.Process, c *rpc.Client, theirs *netrpc.Client) {
	t.Helper()
	dir := t.TempDir()
	p = ipctest.Start(t, bothServing, dir)
	p.Expect("ready")
	c = dialled(t, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "ours"))
	}, nil)
	theirs, err := netrpc.Dial("unix", filepath.Join(dir, "theirs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	return p, c, theirs
}

// The two that BenchmarkCall compares do the same.
func TestCallOverUnixSocket(t *testing.T) {
	_, c, theirs := startBoth(t)
	n, err := rpc.Call[int](background, c.Object("Calc"), "Add", 1, 2)
	expect(t, n, err, 3)
	err = theirs.Call("Arith.Add", Pair{1, 2}, &n)
	expect(t, n, err, 3)
}

// BenchmarkCall compares a small call with one of package net/rpc, over a Unix socket
// between two processes.
func BenchmarkCall(b *testing.B) {
	p, c, theirs := startBoth(b)
	o := c.Object("Calc")
	ipctest.Compare(b,
		bench.Contender{Name: "rpc", PeerPID: p.Process.Pid, Run: func(n int) error {
			for i := range n {
				if sum, err := rpc.Call[int](background, o, "Add", i, 1); err != nil || sum != i+1 {
					return err
				}
			}
			return nil
		}},
		bench.Contender{Name: "net/rpc", PeerPID: p.Process.Pid, Run: func(n int) error {
			for i := range n {
				var sum int
				if err := theirs.Call("Arith.Add", Pair{i, 1}, &sum); err != nil || sum != i+1 {
					return err
				}
			}
			return nil
		}})
}

// shmServing serves addition over a Unix socket and over shmnet.
var shmServing = ipctest.Helper("rpc serving both ways", func(c *ipctest.Control) error {
	plain, err := net.Listen("unix", filepath.Join(c.Args[0], "unix"))
	if err != nil {
		return err
	}
	shared, err := shmnet.Listen(filepath.Join(c.Args[0], "shm"), nil)
	if err != nil {
		return err
	}
	c.AtEnd(func() { plain.Close(); shared.Close() })
	s, err := rpc.NewServer(nil)
	if err != nil {
		return err
	}
	if err := s.Register("Calc", newCalc()); err != nil {
		return err
	}
	go s.Serve(plain)
	go s.Serve(shared)
	c.Say("ready")
	c.Hear()
	return nil
})

// adder returns a benchmark of calls of Add, one after the other.
func adder(c *rpc.Client) func(n int) error {
	o := c.Object("Calc")
	return func(n int) error {
		for i := range n {
			if sum, err := rpc.Call[int](background, o, "Add", i, 1); err != nil || sum != i+1 {
				return err
			}
		}
		return nil
	}
}

// startBothWays starts it, and returns clients over shmnet and over a Unix socket.
func startBothWays(t testing.TB) (p *ipctest.Process, shared, plain *rpc.Client) {
	t.Helper()
	dir := t.TempDir()
	p = ipctest.Start(t, shmServing, dir)
	p.Expect("ready")
	shared = dialled(t, func(ctx context.Context) (net.Conn, error) {
		c, err := shmnet.Dial(ctx, filepath.Join(dir, "shm"), nil)
		if err != nil {
			return nil, err
		}
		return c, nil
	}, nil)
	plain = dialled(t, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "unix"))
	}, nil)
	return p, shared, plain
}

// The two that BenchmarkCallOverShmnet compares do the same.
func TestCallOverShmnet(t *testing.T) {
	_, shared, plain := startBothWays(t)
	for _, c := range []*rpc.Client{shared, plain} {
		n, err := rpc.Call[int](background, c.Object("Calc"), "Add", 1, 2)
		expect(t, n, err, 3)
	}
}

// BenchmarkCallOverShmnet compares a small call over shmnet with one over a Unix socket.
func BenchmarkCallOverShmnet(b *testing.B) {
	p, shared, plain := startBothWays(b)
	ipctest.Compare(b,
		bench.Contender{Name: "shmnet", PeerPID: p.Process.Pid, Run: adder(shared)},
		bench.Contender{Name: "Unix socket", PeerPID: p.Process.Pid, Run: adder(plain)})
}
