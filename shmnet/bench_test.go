//go:build linux || windows

package shmnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// benchServer serves the traffic of package bench: at Args[0] over shared memory, at
// Args[1] over what the system has, a Unix socket or a named pipe. With a third argument it never spins.
var benchServer = ipctest.Helper("bench server", func(c *ipctest.Control) error {
	l, err := Listen(c.Args[0], &Config{Park: len(c.Args) > 2})
	if err != nil {
		return err
	}
	c.AtEnd(func() { l.Close() })
	bare, err := listenBare(c.Args[1])
	if err != nil {
		return err
	}
	c.AtEnd(func() { bare.Close() })
	c.Say("listening")
	failed := make(chan error)
	for _, l := range []net.Listener{l, bare} {
		go func() {
			for {
				conn, err := l.Accept()
				switch {
				case errors.Is(err, net.ErrClosed): // at the end
					return
				case err != nil:
					failed <- err
					return
				}
				go func() {
					defer conn.Close()
					// A client that has ended is no reason to leave the sockets behind.
					if err := bench.Serve(conn); err != nil {
						c.Say("%v", err)
					}
				}()
			}
		}()
	}
	return <-failed
})

// rivals returns a connection of ours and a bare one to the same process.
func rivals(b testing.TB, park bool) (ours *Conn, bare net.Conn, pid int) {
	b.Helper()
	name, at := ipctest.UniqueName(), bareName()
	args := []string{name, at}
	if park {
		args = append(args, "park")
	}
	server := ipctest.Start(b, benchServer, args...)
	server.Expect("listening")
	ours, bare, err := dialRivals(name, at, park)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ours.Close(); bare.Close() })
	return ours, bare, server.Cmd.Process.Pid
}

func dialRivals(name, at string, park bool) (ours *Conn, bare net.Conn, err error) {
	ours, err = Dial(context.Background(), name, &Config{Park: park})
	if err != nil {
		return nil, nil, err
	}
	bare, err = dialBare(at)
	if err != nil {
		ours.Close()
	}
	return ours, bare, err
}

// BenchmarkRoundTrip compares with the bare connection, both ends spinning while they wait.
func BenchmarkRoundTrip(b *testing.B) {
	for _, size := range []int{8, 64, 1024, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) { compare(b, bench.RoundTrip, size, false, false) })
	}
}

// BenchmarkParkedRoundTrip compares with the bare connection, both ends sleeping.
func BenchmarkParkedRoundTrip(b *testing.B) {
	for _, size := range []int{8, 64, 1024, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) { compare(b, bench.RoundTrip, size, false, true) })
	}
}

func BenchmarkThroughput(b *testing.B) {
	for _, size := range []int{64, 1024, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) { compare(b, bench.OneWay, size, true, false) })
	}
}

func compare(b *testing.B, traffic func(c io.ReadWriter, size int) (func(int) error, error), size int, stream, park bool) {
	ours, bare, pid := rivals(b, park)
	subject, err := traffic(ours, size)
	if err != nil {
		b.Fatal(err)
	}
	baseline, err := traffic(bare, size)
	if err != nil {
		b.Fatal(err)
	}
	ipctest.Compare(b,
		bench.Contender{Name: "shmnet", Run: subject, Bytes: size, Stream: stream, PeerPID: pid},
		bench.Contender{Name: bareKind, Run: baseline, Bytes: size, Stream: stream, PeerPID: pid})
}

// TestNoAllocations counts what a round trip allocates in this process, busy and parked.
func TestNoAllocations(t *testing.T) {
	for _, park := range []bool{false, true} {
		ours, _, _ := rivals(t, park)
		run, err := bench.RoundTrip(ours, 64)
		if err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(time.Hour)
		allocs := testing.AllocsPerRun(1000, func() {
			ours.SetDeadline(deadline)
			if err := run(1); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("a round trip allocates %v times (park: %v)", allocs, park)
		}
	}
}
