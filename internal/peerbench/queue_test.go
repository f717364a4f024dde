package peerbench

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
)

const (
	batch       = 100 // messages of a commit
	messageSize = 64
)

// queue is a durable queue of messages of messageSize bytes, for one process.
type queue interface {
	// put adds the messages in one commit.
	put(messages [][]byte) error

	// take calls done with the oldest messages, so many, and removes them when it
	// returned nil for all: what a process that dies has not done, stays.
	take(n int, done func(message []byte) error) error

	Close() error
}

// opener makes an empty queue in the directory. If it is synced, what was put outlives
// the loss of power.
type opener struct {
	name string
	open func(dir string, synced bool) (queue, error)
}

// contender moves batches through a new queue: an operation puts one and takes it.
func (o opener) contender(t testing.TB, synced bool) bench.Contender {
	t.Helper()
	q, err := o.open(t.TempDir(), synced)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	messages := make([][]byte, batch)
	for i := range messages {
		messages[i] = make([]byte, messageSize)
	}
	put, taken := 0, 0
	done := func(message []byte) error {
		taken++
		return bench.Check(message, taken)
	}
	return bench.Contender{Name: o.name, Bytes: batch * messageSize, Stream: true, Run: func(n int) error {
		for range n {
			for _, m := range messages {
				put++
				bench.Fill(m, put)
			}
			if err := q.put(messages); err != nil {
				return err
			}
			if err := q.take(batch, done); err != nil {
				return err
			}
		}
		return nil
	}}
}
