//go:build unix

package pipe

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// rivals are connections of all kinds to one other process.
type rivals struct {
	bytes    *Conn         // in byte mode
	messages *Conn         // in message mode
	bare     *net.UnixConn // what both are made of
}

// startRivals starts a helper that runs serveRivals. names are where it listens.
func startRivals(t testing.TB, helper string) (peer *ipctest.Process, names []string) {
	t.Helper()
	names = []string{ipctest.UniqueName(), ipctest.UniqueName(), filepath.Join(os.TempDir(), ipctest.UniqueName())}
	peer = ipctest.Start(t, helper, names...)
	peer.Expect("listening")
	return peer, names
}

func dialRivals(names []string) (r rivals, err error) {
	if r.bytes, err = Dial(context.Background(), names[0], nil); err != nil {
		return r, err
	}
	if r.messages, err = Dial(context.Background(), names[1], &Config{Message: true}); err != nil {
		return r, err
	}
	r.bare, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: names[2], Net: "unix"})
	return r, err
}

// connectRivals does both, for the length of the test.
func connectRivals(t testing.TB, helper string) (rivals, *ipctest.Process) {
	t.Helper()
	peer, names := startRivals(t, helper)
	r, err := dialRivals(names)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.bytes.Close()
		r.messages.Close()
		r.bare.Close()
	})
	return r, peer
}

// serveRivals listens at the names in Args and calls serve for each connection.
func serveRivals(c *ipctest.Control, serve func(net.Conn) error) error {
	bytes, err := Listen(c.Args[0], nil)
	if err != nil {
		return err
	}
	c.AtEnd(func() { bytes.Close() })
	messages, err := Listen(c.Args[1], &Config{Message: true})
	if err != nil {
		return err
	}
	c.AtEnd(func() { messages.Close() })
	bare, err := net.Listen("unix", c.Args[2])
	if err != nil {
		return err
	}
	c.AtEnd(func() { bare.Close() })
	c.Say("listening")

	failed := make(chan error)
	for _, l := range []net.Listener{bytes, messages, bare} {
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					failed <- err
					return
				}
				go func() {
					defer conn.Close()
					if err := serve(conn); err != nil {
						failed <- fmt.Errorf("%T: %w", conn, err)
					}
				}()
			}
		}()
	}
	return <-failed
}

var speedServer = ipctest.Helper("speed server", func(c *ipctest.Control) error {
	return serveRivals(c, func(conn net.Conn) error { return bench.Serve(conn) })
})

// BenchmarkSpeed holds pipe.Conn against the bare net.UnixConn, and message mode
// against byte mode, in another process. See ipctest.Compare for the metrics.
func BenchmarkSpeed(b *testing.B) {
	type traffic = func(c io.ReadWriter, size int) (func(n int) error, error)
	for _, c := range []struct {
		name    string
		traffic traffic
		size    int
		stream  bool
		message bool
	}{
		{name: "RoundTrip/64B", traffic: bench.RoundTrip, size: 64},
		{name: "RoundTrip/1KiB", traffic: bench.RoundTrip, size: 1 << 10},
		{name: "OneWay/64KiB", traffic: bench.OneWay, size: 64 << 10, stream: true},
		{name: "Message/64B", traffic: bench.RoundTrip, size: 64, message: true},
		{name: "Message/1KiB", traffic: bench.RoundTrip, size: 1 << 10, message: true},
	} {
		b.Run(c.name, func(b *testing.B) {
			r, peer := connectRivals(b, speedServer)
			contender := func(name string, conn net.Conn) bench.Contender {
				run, err := c.traffic(conn, c.size)
				if err != nil {
					b.Fatal(err)
				}
				return bench.Contender{Name: name, Run: run, Bytes: c.size, Stream: c.stream, PeerPID: peer.Cmd.Process.Pid}
			}
			if c.message {
				ipctest.Compare(b, contender("message mode", r.messages), contender("byte mode", r.bytes))
			} else {
				ipctest.Compare(b, contender("pipe.Conn", r.bytes), contender("net.UnixConn", r.bare))
			}
		})
	}
}

// TestNoAllocation sends payloads there and back. What the other process
// allocates doesn't count.
func TestNoAllocation(t *testing.T) {
	for _, size := range []int{64, 64 << 10} {
		r, _ := connectRivals(t, speedServer)
		for mode, conn := range map[string]*Conn{"byte": r.bytes, "message": r.messages} {
			run, err := bench.RoundTrip(conn, size)
			if err != nil {
				t.Fatal(err)
			}
			n := testing.AllocsPerRun(1000, func() {
				if err := run(1); err != nil {
					t.Fatal(err)
				}
			})
			if n != 0 {
				t.Errorf("%s mode: a Write of %d bytes and the Reads of the answer allocate %v times", mode, size, n)
			}
		}
	}
}
