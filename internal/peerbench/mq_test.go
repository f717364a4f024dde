package peerbench

import (
	"context"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway/mq"
)

// ourQueue is a durable queue of package mq. Each message is taken by a lease of its own,
// and acknowledged when it is done. That is not synced, as a commit of the databases is:
// after a loss of power such a message may be delivered again.
type ourQueue struct {
	*mq.LocalQueue
	outgoing []mq.Outgoing
	buf      []byte
}

var ours = opener{"mq", func(dir string, synced bool) (queue, error) {
	q, err := mq.Create(filepath.Join(dir, "queue"), &mq.Config{Sync: synced})
	if err != nil {
		return nil, err
	}
	return &ourQueue{LocalQueue: q, buf: make([]byte, messageSize)}, nil
}}

func (q *ourQueue) put(messages [][]byte) error {
	q.outgoing = q.outgoing[:0]
	for _, m := range messages {
		q.outgoing = append(q.outgoing, mq.Outgoing{Body: m})
	}
	_, err := q.SendBatch(context.Background(), q.outgoing)
	return err
}

func (q *ourQueue) take(n int, done func([]byte) error) error {
	ctx := context.Background()
	for range n {
		d, err := q.Lease(ctx, q.buf)
		if err != nil {
			return err
		}
		if err := done(d.Body); err != nil {
			return err
		}
		if err := d.Ack(ctx); err != nil {
			return err
		}
	}
	return nil
}
