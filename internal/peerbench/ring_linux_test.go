package peerbench

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/ring"
)

// ringEnd is one process's end of two rings.
type ringEnd struct {
	out  *ring.BytesSender
	in   *ring.BytesReceiver
	copy []byte // what is copied in or out, if the whole message is
}

func openRings(out, in string, what traffic, atEnd func(func())) (*ringEnd, error) {
	cfg := &ring.Config{CapacityBytes: max(1<<20, 4*int64(what.size)), Wait: ring.WaitPark}
	if what.spins {
		cfg.Wait = ring.WaitAdaptive // for up to 50 µs
	}
	outgoing, err := ring.OpenOrCreateBytes(out, cfg)
	if err != nil {
		return nil, err
	}
	atEnd(func() { outgoing.Close() })
	incoming, err := ring.OpenOrCreateBytes(in, cfg)
	if err != nil {
		return nil, err
	}
	atEnd(func() { incoming.Close() })
	var e ringEnd
	if what.whole {
		e.copy = make([]byte, what.size)
	}
	if e.out, err = outgoing.Sender(); err != nil {
		return nil, err
	}
	e.in, err = incoming.Receiver()
	return &e, err
}

// put fills a message in the ring and sends it.
func (e *ringEnd) put(size, seq int) error {
	l, err := e.out.Loan(context.Background(), size)
	if err != nil {
		return err
	}
	if e.copy != nil {
		copy(l.Bytes(), e.copy)
	}
	bench.Fill(l.Bytes(), seq)
	return l.Send()
}

// take receives a message and checks it in the ring.
func (e *ringEnd) take(size, seq int) error {
	s, err := e.in.Receive(context.Background())
	if err != nil {
		return err
	}
	if len(s.Bytes()) != size {
		return fmt.Errorf("a message of %d bytes, want %d", len(s.Bytes()), size)
	}
	if err := bench.Check(s.Bytes(), seq); err != nil {
		return err
	}
	if e.copy != nil {
		copy(e.copy, s.Bytes())
	}
	return s.Release()
}

// ringPeer answers, or receives, as many messages as it is told. Args are those of traffic, with the name of the ring to
// it, then that of the ring back.
var ringPeer = ipctest.Helper("ring peer", func(c *ipctest.Control) error {
	what, err := parseTraffic(c.Args)
	if err != nil {
		return err
	}
	e, err := openRings(c.Args[4], c.Args[3], what, c.AtEnd)
	if err != nil {
		return err
	}
	if what.spins {
		if err := onProcessor(last); err != nil {
			return err
		}
	}
	c.Say("ready")
	for seq := 0; ; {
		n, err := strconv.Atoi(c.Hear())
		if err != nil {
			return err
		}
		for range n {
			seq++
			if err := e.take(what.size, seq); err != nil {
				return err
			}
			if what.oneWay {
				continue
			}
			if err := e.put(what.size, ^seq); err != nil {
				return err
			}
		}
		c.Say("done")
	}
})

// ourRing is messages of bytes in package ring, written and read in place. Where it spins,
// each end has a processor of its own, as the C programs have.
func ourRing(t testing.TB, what traffic) bench.Contender {
	t.Helper()
	there, back := ipctest.UniqueName(), ipctest.UniqueName()
	e, err := openRings(there, back, what, t.Cleanup)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ring.Remove(there, nil)
		ring.Remove(back, nil)
	})
	p := ipctest.Start(t, ringPeer, append(what.args(there), back)...)
	p.Expect("ready")
	seq := 0
	contender := bench.Contender{Name: "ring", Stream: true, Bytes: what.size, PeerPID: p.Process.Pid, Run: func(n int) error {
		p.Say(strconv.Itoa(n))
		for range n {
			seq++
			if err := e.put(what.size, seq); err != nil {
				return err
			}
			if what.oneWay {
				continue
			}
			if err := e.take(what.size, ^seq); err != nil {
				return err
			}
		}
		p.Expect("done")
		return nil
	}}
	if what.spins {
		contender.Begin = func() error { return onProcessor(first) }
		contender.End = onAnyProcessor
	}
	return contender
}

func TestRing(t *testing.T) {
	works(t, ourRing, append(every, traffic{oneWay: true, whole: true})...)
}
