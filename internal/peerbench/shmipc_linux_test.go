package peerbench

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/cloudwego/shmipc-go"
)

// shmipcEnd is one process's end of a stream of shmipc-go, whose messages are written and
// read in shared memory, as that package's own benchmarks do.
type shmipcEnd struct{ *shmipc.Stream }

func (e shmipcEnd) put(size, seq int) error {
	p, err := e.BufferWriter().Reserve(size)
	if err != nil {
		return err
	}
	bench.Fill(p, seq)
	return e.Flush(false)
}

func (e shmipcEnd) take(size, seq int) error {
	p, err := e.BufferReader().ReadBytes(size)
	if err != nil {
		return err
	}
	if err := bench.Check(p, seq); err != nil {
		return err
	}
	e.ReleaseReadAndReuse()
	return nil
}

// shmipcConfig gives most of the memory to slices that a message fits into.
func shmipcConfig(prefix string, size int) *shmipc.Config {
	c := shmipc.DefaultConfig()
	c.LogOutput = io.Discard
	c.MemMapType = shmipc.MemMapTypeMemFd
	c.ShareMemoryPathPrefix = prefix
	c.ShareMemoryBufferCap = 64 << 20
	c.BufferSliceSizes = []*shmipc.SizePercentPair{
		{Size: uint32(size) + 256, Percent: 70},
		{Size: 16 << 10, Percent: 20},
		{Size: 64 << 10, Percent: 10},
	}
	return c
}

// shmipcServer answers messages on the socket Args[3]; see traffic for the others.
var shmipcServer = ipctest.Helper("shmipc server", func(c *ipctest.Control) error {
	what, err := parseTraffic(c.Args)
	if err != nil {
		return err
	}
	l, err := net.Listen("unix", c.Args[3])
	if err != nil {
		return err
	}
	c.AtEnd(func() { l.Close() })
	defer l.Close() // at the end of the traffic, if that is first
	c.Say("ready")
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	session, err := shmipc.Server(conn, shmipcConfig(c.Args[3], what.size))
	if err != nil {
		return err
	}
	stream, err := session.AcceptStream()
	if err != nil {
		return err
	}
	for seq := 1; ; seq++ {
		e := shmipcEnd{stream}
		if err := e.take(what.size, seq); err != nil {
			return err
		}
		if err := e.put(what.size, ^seq); err != nil {
			return err
		}
	}
})

// shmipcClient makes as many round trips to the server at the same socket as it is told.
var shmipcClient = ipctest.Helper("shmipc client", func(c *ipctest.Control) error {
	what, err := parseTraffic(c.Args)
	if err != nil {
		return err
	}
	sessions, err := shmipc.NewSessionManager(&shmipc.SessionManagerConfig{
		Config: shmipcConfig(c.Args[3], what.size), Network: "unix", Address: c.Args[3], SessionNum: 1, MaxStreamNum: 1,
	})
	if err != nil {
		return err
	}
	stream, err := sessions.GetStream()
	if err != nil {
		return err
	}
	c.Say("ready")
	for e, seq := (shmipcEnd{stream}), 0; ; {
		n, err := strconv.Atoi(c.Hear())
		if err != nil {
			return err
		}
		for range n {
			seq++
			if err := e.put(what.size, seq); err != nil {
				return err
			}
			if err := e.take(what.size, ^seq); err != nil {
				return err
			}
		}
		c.Say("done")
	}
})

// shmipcPair is round trips over shmipc-go. It has no way to spin.
func shmipcPair(t testing.TB, what traffic) bench.Contender {
	t.Helper()
	path := filepath.Join(os.TempDir(), ipctest.UniqueName())
	server := ipctest.Start(t, shmipcServer, what.args(path)...)
	server.Expect("ready")
	return driven("shmipc-go", what.size, ipctest.Start(t, shmipcClient, what.args(path)...))
}

func TestShmipc(t *testing.T) { works(t, shmipcPair, tripParked) }

// BenchmarkShmipc holds connections that sleep, and those that spin for a while as they
// do by themselves, against shmipc-go: with Read and Write, which copy, and in place.
func BenchmarkShmipc(b *testing.B) {
	b.Run("copied", func(b *testing.B) { versus(b, ourConn, shmipcPair, tripParked, tripSpinning) })
	b.Run("in_place", func(b *testing.B) { versus(b, ourConnInPlace, shmipcPair, tripParked, tripSpinning) })
}
