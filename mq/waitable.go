package mq

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Waiter is for ipcsync.WaitAny: of a queue it takes nothing. That it is ready says that
// [LocalQueue.TryReceive] may succeed.
func (q *LocalQueue) Waiter() robust.Waiter {
	if q.isZero() {
		return notWaitable{q.fail}
	}
	return readiness{q}
}

// readiness is a wait until there may be a message to take.
type readiness struct{ q *LocalQueue }

func (r readiness) Wait(ctx context.Context, c *robust.Claim) (any, error) {
	q := r.q
	err := errDue
	for errors.Is(err, errDue) && ctx.Err() == nil {
		err = r.await(ctx, c)
	}
	if errors.Is(err, errDue) {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, q.fail(breezeway.OpWait, err)
	}
	// What there is, is still there, and the wake-up that announced it may have been
	// spent here: it is passed on to a waiter that takes.
	q.o.Touch(func() { q.arrived.Wake(1) })
	return nil, nil
}

// await waits as awaitMessage does. It fails with errDue when the wait is to begin anew:
// nothing is taken through the claim then.
func (r readiness) await(ctx context.Context, c *robust.Claim) error {
	q := r.q
	due, until, cancel := q.untilDue(ctx)
	defer cancel()
	forward := false
	err := q.o.Wait(until, q.arrived, c, func(check bool) (bool, error) {
		if check {
			if err := q.sweep(); err != nil {
				return false, err
			}
		}
		if q.mayTake() {
			return true, nil
		}
		if forward = check && q.mayForward(); forward || atomic.LoadInt64(&q.h.nextDue) != due {
			return false, errDue
		}
		return false, q.whetherRemoved()
	})
	if forward && errors.Is(err, errDue) {
		q.forwardDead(ctx, false)
	}
	return err
}

func (r readiness) Try() (any, bool, error) {
	q, ok := r.q, false
	err := q.o.Use(func() error {
		if ok = q.mayTake(); ok {
			return nil
		}
		err := q.sweep()
		ok = q.mayTake()
		return err
	})
	return nil, ok && err == nil, q.fail(breezeway.OpWait, err)
}

// mayTake reports whether there may be a message to take.
func (q *LocalQueue) mayTake() bool {
	if atomic.LoadUint32(&q.h.ready) != 0 {
		return true
	}
	head := atomic.LoadUint64(&q.h.head)
	if atomic.LoadUint64(&q.ring[head&q.mask].state) == head+1 {
		return true
	}
	due := atomic.LoadInt64(&q.h.nextDue)
	return due != 0 && due <= time.Now().UnixNano()
}
