package mq

import (
	"context"
	"sync/atomic"
	"time"
)

// drain waits until the queue is empty. What no receiver will get goes also if there is no
// receiver: messages that have expired, and those that were delivered too often.
func (q *LocalQueue) drain(ctx context.Context) error {
	for {
		empty, since := false, time.Now()
		err := q.o.Wait(ctx, q.idle, nil, func(check bool) (bool, error) {
			if empty = q.length() == 0; empty {
				return true, nil
			}
			if err := q.whetherRemoved(); err != nil || !check {
				return false, err
			}
			if err := q.sweep(); err != nil {
				return false, err
			}
			mayExpire := atomic.LoadUint32(&q.h.expiring) != 0 && time.Since(since) >= firstPatience
			return mayExpire || q.isDue() || q.mayForward(), nil
		})
		if err == nil && !empty {
			err = q.dropUseless(ctx)
		}
		if err != nil || empty {
			return err
		}
	}
}

// dropUseless drops what has expired, and passes on what was delivered too often.
func (q *LocalQueue) dropUseless(ctx context.Context) error {
	left, forward := false, false
	err := q.within(ctx, &q.in, true, func() error {
		return q.within(ctx, &q.out, true, func() error {
			before := q.h.gone
			err := q.endOver()
			if err == nil {
				err = q.dropExpired()
			}
			left, forward = q.h.gone != before, q.mayForward()
			return err
		})
	})
	if left {
		q.announceRoom()
	}
	if forward {
		q.forwardDead(ctx, true)
	}
	return err
}
