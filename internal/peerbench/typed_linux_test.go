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

// small fills a cache line together with a ring's own word.
type small [7]uint64

// typedEnd is one process's end of two rings of small.
type typedEnd struct {
	out *ring.Sender[small]
	in  *ring.Receiver[small]
}

func openTyped(out, in string, atEnd func(func())) (*typedEnd, error) {
	outgoing, err := ring.OpenOrCreate[small](out, nil)
	if err != nil {
		return nil, err
	}
	atEnd(func() { outgoing.Close() })
	incoming, err := ring.OpenOrCreate[small](in, nil)
	if err != nil {
		return nil, err
	}
	atEnd(func() { incoming.Close() })
	var e typedEnd
	if e.out, err = outgoing.Sender(); err != nil {
		return nil, err
	}
	e.in, err = incoming.Receiver()
	return &e, err
}

func (e *typedEnd) put(seq uint64) error {
	l, err := e.out.Loan(context.Background())
	if err != nil {
		return err
	}
	v := l.Value()
	v[0], v[6] = seq, seq
	return l.Send()
}

func (e *typedEnd) take(seq uint64) error {
	s, err := e.in.Receive(context.Background())
	if err != nil {
		return err
	}
	if v := s.Value(); v[0] != seq || v[6] != seq {
		return fmt.Errorf("message %d is %d, %d", seq, v[0], v[6])
	}
	return s.Release()
}

// typedPeer answers as many messages as it is told. Args are the ring to it and the one
// back.
var typedPeer = ipctest.Helper("typed ring peer", func(c *ipctest.Control) error {
	e, err := openTyped(c.Args[1], c.Args[0], c.AtEnd)
	if err != nil {
		return err
	}
	if err := onProcessor(last); err != nil {
		return err
	}
	c.Say("ready")
	for seq := uint64(0); ; {
		n, err := strconv.Atoi(c.Hear())
		if err != nil {
			return err
		}
		for range n {
			seq++
			if err := e.take(seq); err != nil {
				return err
			}
			if err := e.put(^seq); err != nil {
				return err
			}
		}
	}
})

// typedRing is round trips of 56 bytes through rings of one type.
func typedRing(t testing.TB) bench.Contender {
	t.Helper()
	there, back := ipctest.UniqueName(), ipctest.UniqueName()
	e, err := openTyped(there, back, t.Cleanup)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ring.Remove(there, nil)
		ring.Remove(back, nil)
	})
	p := ipctest.Start(t, typedPeer, there, back)
	p.Expect("ready")
	seq := uint64(0)
	run := func(n int) error {
		p.Say(strconv.Itoa(n))
		for range n {
			seq++
			if err := e.put(seq); err != nil {
				return err
			}
			if err := e.take(^seq); err != nil {
				return err
			}
		}
		return nil
	}
	return bench.Contender{Name: "ring of 56 B", Stream: true, Bytes: 56, PeerPID: p.Process.Pid, Run: run,
		Begin: func() error { return onProcessor(first) }, End: onAnyProcessor}
}

func TestTypedRing(t *testing.T) {
	if err := typedRing(t).Run(1000); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkTyped holds round trips of 56 bytes through rings of one type against the
// libraries that are quick with small messages.
func BenchmarkTyped(b *testing.B) {
	what := traffic{spins: true, size: 56}
	for name, theirs := range map[string]func(testing.TB) pair{"aeron": aeron, "iceoryx2": iceoryx2, "bounce": bounce} {
		b.Run(name, func(b *testing.B) {
			limit := bounce(b)(b, traffic{spins: true, size: 8})
			ipctest.CompareWith(b, typedRing(b), theirs(b)(b, what), bench.Config{Limit: &limit})
		})
	}
}
