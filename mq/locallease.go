package mq

import (
	"context"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
)

// localLease is a LocalQueue as the [Lease] of its deliveries. These methods are for
// Delivery alone, and so the queue doesn't have them itself.
type localLease LocalQueue

var _ Lease = (*localLease)(nil)

// Ack implements [Lease].
func (l *localLease) Ack(ctx context.Context, t Token) error {
	q := (*LocalQueue)(l)
	return q.settle(ctx, breezeway.OpAck, t, q.acknowledge)
}

func (q *LocalQueue) acknowledge(s *slot, n int) error {
	if err := q.unplan(s); err != nil {
		return err
	}
	q.h.leased--
	q.h.counts.Acknowledged++
	position, first := s.position, s.first
	q.release(s, n)
	q.leave(position, first)
	return nil
}

// Nack implements [Lease].
func (l *localLease) Nack(ctx context.Context, t Token, delay time.Duration) error {
	q := (*LocalQueue)(l)
	return q.settle(ctx, breezeway.OpNack, t, func(s *slot, n int) error {
		if delay <= 0 || q.listOf(s) == deadList { // which no receiver is to wait for
			return q.endLease(s, n)
		}
		if err := q.unplan(s); err != nil {
			return err
		}
		s.due = later(time.Now().UnixNano(), int64(delay))
		q.setState(s, storeState(s.state).as(isDelayed))
		killpoint.Here("mq delayed")
		q.h.leased--
		q.h.delayed++
		q.h.counts.Redelivered++
		return q.plan(s, n)
	})
}

// Extend implements [Lease].
func (l *localLease) Extend(ctx context.Context, t Token) error {
	q := (*LocalQueue)(l)
	return q.settle(ctx, breezeway.OpExtend, t, func(s *slot, n int) error {
		if q.made.LeaseTimeout == 0 {
			return nil
		}
		if err := q.unplan(s); err != nil {
			return err
		}
		s.due = q.leaseEnd(time.Now().UnixNano())
		return q.plan(s, n)
	})
}

// settle calls f, in the receivers' section, with the message of a lease.
func (q *LocalQueue) settle(ctx context.Context, op string, t Token, f func(*slot, int) error) error {
	if q.isZero() {
		return q.fail(op, nil)
	}
	var left, back, forward bool
	err := q.out.Do(ctx, func() error {
		gone, due := q.h.gone, q.h.nextDue
		defer func() {
			left = q.h.gone != gone
			back = !left && (q.h.ready != 0 || q.h.nextDue != due)
			forward = q.mayForward()
		}()
		if due != 0 { // a lease that is over is refused, also if no receiver has looked since
			if err := q.endDue(time.Now().UnixNano()); err != nil {
				return err
			}
		}
		s, n, err := q.leasedSlot(t)
		if err != nil {
			return err
		}
		return f(s, n)
	})
	if left {
		q.announceRoom()
	}
	if back {
		q.o.Touch(func() { q.arrived.Wake(1) })
	}
	if forward {
		q.forwardDead(ctx, true)
	}
	return q.fail(op, err)
}
