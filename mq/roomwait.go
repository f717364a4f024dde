package mq

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// roomWait is one sender's wait for room.
//
// Senders of messages of different sizes wait at one gate, and a wake-up is spent on one
// of them. So a sender that can't use the room that it was woken for passes the wake-up
// on to the next process at the gate. Within its own process, where only the first waiter
// of a gate looks, it queues again behind the others if one of them can use the room.
//
// It does so once for each change of what has left the queue, and its process wakes
// another one once for each. The kernel wakes the waiter that has slept longest, and one
// that has passed a wake-up on goes to sleep after that. So each process is woken before
// one is woken for the same change again, and there it ends.
type roomWait struct {
	q     *LocalQueue
	seen  uint64 // what had left the queue when the sender last looked
	aside bool   // the wait has ended so that others of the process can look

	// A message that was sent after the sender has looked for expiry may expire before.
	since    time.Time     // when the sender looked
	patience time.Duration // after which time it looks again
}

const (
	firstPatience = 50 * time.Millisecond
	mostPatience  = 500 * time.Millisecond
)

// left changes whenever something leaves the queue.
func (q *LocalQueue) left() uint64 {
	return atomic.LoadUint64(&q.h.gone) + atomic.LoadUint64(&q.h.freed)
}

func newRoomWait(q *LocalQueue) *roomWait {
	w := &roomWait{q: q}
	q.o.Touch(func() { w.seen = q.left() })
	return w
}

// await waits until there may be room for a message that takes so many blocks, or a message
// that takes room expires: at that time in Unix nanoseconds, unless it is 0.
func (w *roomWait) await(ctx context.Context, need, expiry int64) error {
	q := w.q
	w.since, w.patience = time.Now(), min(max(firstPatience, 2*w.patience), mostPatience)
	until := ctx
	if expiry != 0 {
		var cancel context.CancelFunc
		until, cancel = context.WithDeadlineCause(ctx, time.Unix(0, expiry), errDue)
		defer cancel()
	}
	q.roomNeeds.add(need)
	defer q.roomNeeds.remove(need)
	for {
		w.aside = false
		err := q.o.Wait(until, q.room, nil, func(check bool) (bool, error) { return w.look(need, check) })
		switch {
		case errors.Is(err, errDue), err == nil && !w.aside:
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return nil
		case err != nil:
			return err
		}
	}
}

// look reports whether the wait is over.
func (w *roomWait) look(need int64, check bool) (bool, error) {
	q := w.q
	if q.mayPut(need) {
		return true, nil
	}
	if err := q.whetherRemoved(); err != nil {
		return false, err
	}
	if check && atomic.LoadUint32(&q.h.expiring) != 0 && time.Since(w.since) >= w.patience {
		return true, nil
	}
	if check && q.made.MaxDeliveries != 0 { // a lease that ends may be the last one
		if err := q.sweep(); err != nil || q.mayForward() || q.isDue() {
			return err == nil, err
		}
	}
	left := q.left()
	if left == w.seen {
		return false, nil
	}
	w.seen = left
	if q.roomPassed.Swap(left) != left {
		q.room.Wake(1)
	}
	least := q.roomNeeds.least.Load()
	w.aside = least < need && q.mayPut(least)
	return w.aside, nil
}

// end passes on what the sender was woken for, which may have been more room than it
// needed.
func (w *roomWait) end() {
	if w != nil {
		w.q.o.Touch(func() { w.q.room.Wake(1) })
	}
}
