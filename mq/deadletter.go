package mq

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// mayForward reports whether there are messages to be passed on, unless that failed a
// moment ago.
func (q *LocalQueue) mayForward() bool {
	return atomic.LoadUint32(&q.h.dead) != 0 && time.Now().UnixNano() >= q.forwardAgain.Load()
}

// forwardDead passes the messages that were delivered too often on to the dead-letter
// queue, or drops them. What can't be passed on now stays for later.
//
// A message is leased meanwhile. So if the process dies, it is passed on again, perhaps
// for the second time.
func (q *LocalQueue) forwardDead(ctx context.Context, mayWait bool) {
	for range q.made.Store { // a list that was damaged may have no end
		d, ok, err := q.leaseDead(ctx, mayWait)
		if err != nil {
			q.tryForwardLater(err)
		}
		if !ok || err != nil {
			return
		}
		if err := q.deadLetter(ctx, d, mayWait); err != nil {
			q.tryForwardLater(err)
			q.settleDead(ctx, d, mayWait, false)
			return
		}
		q.settleDead(ctx, d, mayWait, true)
	}
}

func (q *LocalQueue) tryForwardLater(err error) {
	q.warn("a message that was delivered too often can't be passed on", "error", err)
	q.forwardAgain.Store(time.Now().Add(time.Second).UnixNano())
}

func (q *LocalQueue) leaseDead(ctx context.Context, mayWait bool) (d Delivery, ok bool, err error) {
	left := false
	err = q.within(ctx, &q.out, mayWait, func() error {
		s, n, err := q.firstDead()
		for ; s != nil && err == nil; s, n, err = q.firstDead() {
			damage := q.verify(s)
			if damage == nil {
				break
			}
			left, err = true, q.dropDamaged(s, n, damage)
			if err != nil {
				return err
			}
		}
		if s == nil && err == nil && q.h.dead != 0 {
			err = errDamaged // or each call would look for it again, without end
		}
		if s == nil || err != nil {
			return err
		}
		var m Message
		if err := q.copyOut(s, nil, &m); err != nil {
			return err
		}
		if err := q.unlist(s, n); err != nil {
			return err
		}
		d, err = q.leaseSlot(s, n, m, time.Now().Add(deadLease).UnixNano(), false)
		ok = err == nil
		return err
	})
	if left {
		q.announceRoom()
	}
	return d, ok, err
}

// firstDead returns the first message to be passed on, or nil.
func (q *LocalQueue) firstDead() (*slot, int, error) {
	n := int(q.h.lists[deadList].first) - 1
	switch {
	case n < 0:
		return nil, 0, nil
	case n >= len(q.store):
		return nil, 0, errDamaged
	}
	return &q.store[n], n, nil
}

// deadLease is how long a message is leased to be passed on: if that can't be settled,
// since another process was stopped in the section, it is passed on again.
const deadLease = time.Minute

func (q *LocalQueue) settleDead(ctx context.Context, d Delivery, mayWait, passedOn bool) {
	entered := false
	settle := func() error {
		entered = true
		s, n, err := q.leasedSlot(d.token)
		if err != nil {
			return err
		}
		if !passedOn {
			q.h.counts.Redelivered-- // endLease counts it
			return q.endLease(s, n)
		}
		if err := q.acknowledge(s, n); err != nil {
			return err
		}
		q.h.counts.Acknowledged--
		if q.made.DeadLetterSize != 0 {
			q.h.counts.DeadLettered++
		} else {
			q.h.counts.Dropped++
		}
		return nil
	}
	q.within(ctx, &q.out, mayWait, settle)
	if !entered && ctx.Err() != nil {
		q.within(context.WithoutCancel(ctx), &q.out, false, settle)
	}
	q.announceRoom()
}

// deadLetter sends a message to the dead-letter queue, if there is one.
func (q *LocalQueue) deadLetter(ctx context.Context, d Delivery, mayWait bool) error {
	name := string(q.made.DeadLetter[:q.made.DeadLetterSize])
	if name == "" {
		q.warn("a message was delivered too often, and was dropped", "deliveries", d.Deliveries-1)
		return nil
	}
	m := Outgoing{Body: d.Body, Priority: d.Priority, ID: d.ID}
	var err error
	for range 3 { // removed meanwhile
		var other *LocalQueue
		if other, err = q.deadLetterQueue(ctx, name, mayWait); err != nil {
			return err
		}
		if err = other.takeDead(ctx, m); !errors.Is(err, breezeway.ErrRemoved) && !errors.Is(err, os.ErrClosed) {
			return err
		}
		q.forgetDeadLetters(other)
	}
	return err
}

// takeDead sends a message that was delivered too often to q, the dead-letter queue of
// another one. It fails with ErrRemoved if q has lost its name, which Send finds out only
// when it waits: messages are not to go where no process finds them.
func (q *LocalQueue) takeDead(ctx context.Context, m Outgoing) error {
	if err := q.check(&m); err != nil {
		return err
	}
	err := q.o.Use(func() error { return robust.CheckRemoved(q.o.File()) })
	if err != nil {
		return err
	}
	sent, err := q.sendSlowly(ctx, []Outgoing{m}, false)
	if err == nil && sent == 0 {
		err = ErrFull
	}
	return err
}

// deadLetterQueue returns the dead-letter queue, which Close closes. Opening it may wait for
// another process: until ctx is done, or Close begins.
func (q *LocalQueue) deadLetterQueue(ctx context.Context, name string, mayWait bool) (*LocalQueue, error) {
	if other, err := q.keepDeadLetters(nil); other != nil || err != nil {
		return other, err
	}
	patience := openPatience
	if !mayWait {
		patience = tryPatience
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, os.ErrDeadlineExceeded)
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer context.AfterFunc(q.closing, func() { end(os.ErrClosed) })()
	s := q.set
	s.Config = Config{Mode: s.Mode, Allow: s.Allow, Trust: s.Trust, Scope: s.Scope, Logger: s.Logger, MaxMessage: int(q.made.MaxMessage)}
	s.passOn = true // so that queues that are each other's don't do so in turn
	other, err := openAs(ctx, robust.Open, name, s)
	if errors.Is(err, fs.ErrNotExist) {
		other, err = openAs(ctx, robust.OpenOrCreate, name, s)
	}
	if err != nil {
		return nil, err
	}
	return q.keepDeadLetters(other)
}

// keepDeadLetters makes a queue, unless it is nil, the dead-letter queue that is open here,
// and returns the one that is: another goroutine may have been faster.
func (q *LocalQueue) keepDeadLetters(opened *LocalQueue) (*LocalQueue, error) {
	l := &q.deadLetters
	l.Lock()
	defer l.Unlock()
	switch {
	case q.o.Closed():
		if opened != nil {
			opened.Close()
		}
		return nil, os.ErrClosed
	case l.queue == nil:
		l.queue = opened
	case opened != nil:
		opened.Close()
	}
	return l.queue, nil
}

// forgetDeadLetters closes the dead-letter queue that was removed, so that the next message
// opens the one that has its name now.
func (q *LocalQueue) forgetDeadLetters(removed *LocalQueue) {
	l := &q.deadLetters
	l.Lock()
	defer l.Unlock()
	if l.queue == removed {
		l.queue = nil
	}
	removed.Close()
}
