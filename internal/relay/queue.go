package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/mq"
)

// Queue is an End that is a queue, in one direction. What is put is lines, each a message.
// What comes is one message at a time. It is leased where the queue has leases, and
// acknowledged when the other end has taken it, or else given back; otherwise it is
// received, and lost if the other end doesn't take it.
type Queue struct {
	Queue mq.Queue
	From  bool // messages are taken from the queue, and what is put is dropped; or the other way round

	noLeases bool
	line     []byte // the beginning of one
}

// maxLine bounds what is kept of a line whose end has not come.
const maxLine = 16 << 20

// Next implements [End].
func (q *Queue) Next(ctx context.Context) ([]byte, func(context.Context, error) error, error) {
	if !q.From {
		return nil, nil, io.EOF
	}
	if !q.noLeases {
		d, err := q.Queue.Lease(ctx, nil)
		switch {
		case err == nil:
			return d.Body, func(ctx context.Context, lost error) error { return settle(ctx, d, lost) }, nil
		case !errors.Is(err, errors.ErrUnsupported):
			return nil, nil, err
		}
		q.noLeases = true
	}
	m, err := q.Queue.Receive(ctx, nil)
	return m.Body, nil, err
}

// settle acknowledges a message, or gives it back.
func settle(ctx context.Context, d mq.Delivery, lost error) error {
	if lost == nil {
		return d.Ack(ctx)
	}
	// ctx may have ended: that may be why it is lost.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return d.Nack(ctx, 0)
}

// EndNext implements [End]. What is not taken stays in the queue.
func (q *Queue) EndNext() bool { return true }

// Taken implements [End]. What was sent is in the queue.
func (q *Queue) Taken(context.Context) error { return nil }

// Put implements [End].
func (q *Queue) Put(ctx context.Context, data []byte) error {
	if q.From {
		return nil
	}
	for len(data) > 0 {
		line, rest, whole := bytes.Cut(data, []byte("\n"))
		if len(q.line)+len(line) > maxLine {
			return fmt.Errorf("a line has more than %d bytes (%w)", maxLine, breezeway.ErrTooLarge)
		}
		q.line = append(q.line, line...)
		if !whole {
			return nil
		}
		if err := q.send(ctx); err != nil {
			return err
		}
		data = rest
	}
	return nil
}

func (q *Queue) send(ctx context.Context) error {
	err := q.Queue.Send(ctx, mq.Outgoing{Body: q.line})
	q.line = q.line[:0]
	return err
}

// EndPut implements [End]. What came after the last newline is a line too.
func (q *Queue) EndPut(ctx context.Context) (bool, error) {
	if len(q.line) == 0 {
		return true, nil
	}
	return true, q.send(ctx)
}

// Close implements [End].
func (q *Queue) Close() error { return q.Queue.Close() }
