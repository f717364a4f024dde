package mq

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// crewMember moves messages of the queue Args[0] in the role Args[1]. A sender does so in
// Args[2] goroutines.
var crewMember = ipctest.Helper("crew member", func(c *ipctest.Control) error {
	q, err := Open(c.Args[0], nil)
	if err != nil {
		return err
	}
	c.AtEnd(func() { q.Close() })
	c.Say("ready")
	if c.Args[1] == "receive" {
		return serveReceiver(c, q)
	}
	id, err := strconv.ParseUint(c.Args[1], 10, 16)
	if err != nil {
		return err
	}
	goroutines, err := strconv.Atoi(c.Args[2])
	if err != nil {
		return err
	}
	senders := make([]sender, goroutines)
	for i := range senders {
		senders[i] = sender{queue: q, word: (id + uint64(i)) << 48}
	}
	return serveSenders(c, senders)
})

func serveSenders(c *ipctest.Control, senders []sender) error {
	for {
		n, err := strconv.Atoi(c.Hear())
		if err != nil {
			return err
		}
		ended := make(chan error, len(senders))
		for i := range senders[1:] {
			go func() { ended <- senders[1+i].send((n + 1 + i) / len(senders)) }()
		}
		ended <- senders[0].send(n / len(senders))
		for range senders {
			if err := <-ended; err != nil {
				return err
			}
		}
		c.Say("done")
	}
}

// sender is a goroutine that sends numbered messages.
type sender struct {
	queue *LocalQueue
	word  uint64 // of the last message
	body  [messageSize]byte
}

func (s *sender) send(n int) error {
	for range n {
		s.word++
		for i := 0; i < messageSize; i += 8 {
			binary.LittleEndian.PutUint64(s.body[i:], s.word)
		}
		if err := s.queue.Send(context.Background(), Outgoing{Body: s.body[:]}); err != nil {
			return err
		}
	}
	return nil
}

func serveReceiver(c *ipctest.Control, q *LocalQueue) error {
	ctx := context.Background()
	var buf [messageSize]byte
	var last [64]uint64 // word of each sender
	for {
		n, err := strconv.Atoi(c.Hear())
		if err != nil {
			return err
		}
		for range n {
			m, err := q.Receive(ctx, buf[:])
			if err != nil {
				return err
			}
			if err := checkWords(m.Body, &last); err != nil {
				return err
			}
		}
		c.Say("done")
	}
}

// checkWords is check in testdata/bench_peer.h.
func checkWords(body []byte, last *[64]uint64) error {
	if len(body) != messageSize {
		return fmt.Errorf("a message has %d bytes", len(body))
	}
	word := binary.LittleEndian.Uint64(body)
	for i := 8; i < messageSize; i += 8 {
		if binary.LittleEndian.Uint64(body[i:]) != word {
			return fmt.Errorf("a message is a mixture: %x", body)
		}
	}
	id := word >> 48
	if id >= uint64(len(last)) || word <= last[id] {
		return fmt.Errorf("message %x is out of order", word)
	}
	last[id] = word
	return nil
}

// localCrew moves messages through a new queue.
func localCrew(t testing.TB, cfg *Config, senders, receivers int) crew {
	t.Helper()
	name := ipctest.UniqueName()
	localQueue(t, name, cfg)
	t.Cleanup(func() {
		if err := Remove(name, nil); err != nil {
			t.Error(err)
		}
	})
	return newLocalCrew(t, name, senders, receivers, 1)
}

// durableCrew does it through one on a disk, if TMPDIR is on one.
func durableCrew(t testing.TB, cfg *Config, senders, goroutines int) crew {
	t.Helper()
	name := filepath.Join(t.TempDir(), "queue")
	localQueue(t, name, cfg)
	return newLocalCrew(t, name, senders, 1, goroutines)
}

func localQueue(t testing.TB, name string, cfg *Config) {
	t.Helper()
	q, err := Create(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
}

func newLocalCrew(t testing.TB, name string, senders, receivers, goroutines int) crew {
	t.Helper()
	return newCrew(senders, receivers, func(role string) *ipctest.Process {
		return ipctest.Start(t, crewMember, name, role, strconv.Itoa(goroutines))
	})
}
