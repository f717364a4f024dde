package peerbench

import (
	"fmt"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/shmnet"
)

// inPlace is a connection whose messages are written and read in shared memory, one byte of
// each cache line. A message may come in several pieces, where the ring's end is near.
type inPlace struct {
	*shmnet.Conn
	size int
}

// inPlaceConfig has room for two messages.
func inPlaceConfig(what traffic) *shmnet.Config {
	return &shmnet.Config{Park: !what.spins, BufferSize: max(shmnet.DefaultBufferSize, 2*what.size)}
}

const cacheLine = 64

func (c inPlace) put(seq int) error {
	for at := 0; at < c.size; {
		p, err := c.Reserve(c.size - at)
		if err != nil {
			return err
		}
		for i := -at & (cacheLine - 1); i < len(p); i += cacheLine {
			p[i] = byte(seq + (at+i)/cacheLine)
		}
		if err := c.Commit(len(p)); err != nil {
			return err
		}
		at += len(p)
	}
	return nil
}

func (c inPlace) take(seq int) error {
	for at := 0; at < c.size; {
		p, err := c.Peek(c.size - at)
		if err != nil {
			return err
		}
		for i := -at & (cacheLine - 1); i < len(p); i += cacheLine {
			if p[i] != byte(seq+(at+i)/cacheLine) {
				return fmt.Errorf("message %d is wrong at byte %d", seq, at+i)
			}
		}
		if err := c.Discard(len(p)); err != nil {
			return err
		}
		at += len(p)
	}
	return nil
}

// inPlacePeer answers messages. Args are those of traffic, with a name.
var inPlacePeer = ipctest.Helper("shmnet peer in place", func(c *ipctest.Control) error {
	what, err := parseTraffic(c.Args)
	if err != nil {
		return err
	}
	l, err := shmnet.Listen(c.Args[3], inPlaceConfig(what))
	if err != nil {
		return err
	}
	c.AtEnd(func() { l.Close() })
	c.Say("ready")
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	end := inPlace{conn.(*shmnet.Conn), what.size}
	for seq := 1; ; seq++ {
		if end.take(seq) != nil { // the test is over
			return l.Close()
		}
		if err := end.put(^seq); err != nil {
			return err
		}
	}
})

// ourConnInPlace is round trips on a connection of package shmnet, by Reserve and Peek.
func ourConnInPlace(t testing.TB, what traffic) bench.Contender {
	t.Helper()
	name := ipctest.UniqueName()
	p := ipctest.Start(t, inPlacePeer, what.args(name)...)
	p.Expect("ready")
	conn, err := shmnet.Dial(t.Context(), name, inPlaceConfig(what))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	end, seq := inPlace{conn, what.size}, 0
	return bench.Contender{Name: "shmnet in place", Stream: true, Bytes: what.size, PeerPID: p.Process.Pid, Run: func(n int) error {
		for range n {
			seq++
			if err := end.put(seq); err != nil {
				return err
			}
			if err := end.take(^seq); err != nil {
				return err
			}
		}
		return nil
	}}
}

func TestShmnetInPlace(t *testing.T) { works(t, ourConnInPlace, tripParked, tripSpinning) }
