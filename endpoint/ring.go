package endpoint

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/mq"
	"github.com/breezeway-ipc/breezeway/ring"
)

var ringScheme = Scheme{
	Name:    "ring",
	Options: []string{"allow", "capacity-bytes", "create", "mode", "receivers", "shape", "slow", "trust"},
	OpenQueue: func(_ context.Context, u *URL) (mq.Queue, error) {
		cfg := &ring.Config{
			Mode: u.Mode("mode"), Allow: u.Texts("allow"), Trust: u.Texts("trust"), Logger: u.logger,
			CapacityBytes: u.Size("capacity-bytes"), Receivers: u.Int("receivers"),
			Shape: choice(u, "shape", named(ring.OneToOne, ring.ManyToOne, ring.Broadcast)),
			Slow:  choice(u, "slow", named(ring.SlowBlock, ring.SlowSkip, ring.SlowDisconnect)),
		}
		openIt := ring.OpenBytes
		if u.Bool("create") {
			openIt = ring.OpenOrCreateBytes
		}
		if u.err != nil {
			return nil, u.err
		}
		b, err := openIt(u.Name, cfg)
		if err != nil {
			return nil, err
		}
		return &ringQueue{Bytes: b, sending: make(chan struct{}, 1), receiving: make(chan struct{}, 1)}, nil
	},
}

// named returns values by their names.
func named[T fmt.Stringer](values ...T) map[string]T {
	byName := map[string]T{}
	for _, v := range values {
		byName[v.String()] = v
	}
	return byName
}

// ringQueue is a ring of bytes as a queue. It is the sender, or a receiver, from the first
// message on.
type ringQueue struct {
	*ring.Bytes
	sending, receiving chan struct{} // full while one goroutine does so
	out                *ring.BytesSender
	in                 *ring.BytesReceiver
	next               *ring.BytesSample // came, and is not taken
}

// enter waits until no other goroutine sends, or receives.
func enter(ctx context.Context, busy chan struct{}) error {
	select {
	case busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (q *ringQueue) Send(ctx context.Context, m mq.Outgoing) (err error) {
	defer func() { err = q.failed(breezeway.OpSend, err) }()
	if m.Priority != 0 || m.TTL != 0 || m.ID != "" {
		return errRingPlain
	}
	if err := enter(ctx, q.sending); err != nil {
		return err
	}
	defer func() { <-q.sending }()
	if q.out == nil {
		if q.out, err = q.Sender(); err != nil {
			return err
		}
	}
	l, err := q.out.Loan(ctx, len(m.Body))
	if err != nil {
		return err
	}
	copy(l.Bytes(), m.Body)
	return l.Send()
}

func (q *ringQueue) SendBatch(ctx context.Context, messages []mq.Outgoing) (sent int, err error) {
	for i, m := range messages {
		if err := q.Send(ctx, m); err != nil {
			return i, err
		}
	}
	return len(messages), nil
}

// Receive takes a message: it is taken when it was copied.
func (q *ringQueue) Receive(ctx context.Context, buf []byte) (m mq.Message, err error) {
	defer func() { err = q.failed(breezeway.OpReceive, err) }()
	if err := enter(ctx, q.receiving); err != nil {
		return m, err
	}
	defer func() { <-q.receiving }()
	if q.in == nil {
		if q.in, err = q.Receiver(); err != nil {
			return m, err
		}
	}
	if q.next == nil {
		s, err := q.in.Receive(ctx)
		if err != nil {
			return m, err
		}
		q.next = &s
	}
	body := q.next.Bytes()
	if buf != nil && len(buf) < len(body) {
		return m, fmt.Errorf("the message has %d bytes, and there is room for %d (%w)", len(body), len(buf), breezeway.ErrTooLarge)
	}
	m.Body, m.Deliveries = append(buf[:0:len(buf)], body...), 1
	if q.next.Redelivered() {
		m.Deliveries = 2
	}
	err = q.next.Release()
	q.next = nil
	return m, err
}

// failed names the ring in an error that package ring has not made.
func (q *ringQueue) failed(op string, err error) error {
	return fail.With(op, "ring", q.Name(), err)
}

var (
	errRingLeases = fmt.Errorf("a ring has no leases; use Receive, or mq:// (%w)", errors.ErrUnsupported)
	errRingCount  = fmt.Errorf("a ring doesn't tell how many messages it has; use mq:// (%w)", errors.ErrUnsupported)
	errRingPlain  = fmt.Errorf("a ring has no priorities, times to live and names of messages; use mq:// (%w)", errors.ErrUnsupported)
)

func (q *ringQueue) Lease(context.Context, []byte) (mq.Delivery, error) {
	return mq.Delivery{}, q.failed(breezeway.OpLease, errRingLeases)
}

func (q *ringQueue) Len(context.Context) (int, error) {
	return 0, q.failed(breezeway.OpLen, errRingCount)
}

func (q *ringQueue) Drain(context.Context) error {
	return q.failed(breezeway.OpDrain, errRingCount)
}

func (q *ringQueue) All(ctx context.Context) iter.Seq2[mq.Message, error] {
	return func(yield func(mq.Message, error) bool) {
		for {
			m, err := q.Receive(ctx, nil)
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

func (q *ringQueue) Stats(context.Context) (mq.Stats, error) {
	return mq.Stats{MaxMessage: q.MaxMessage()}, nil
}
