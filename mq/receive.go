package mq

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/release"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// Receive implements [Queue].
func (q *LocalQueue) Receive(ctx context.Context, buf []byte) (m Message, err error) {
	if q.isZero() {
		return m, q.fail(breezeway.OpReceive, nil)
	}
	if ticket, ok := enter(&q.out); ok {
		ok, err := q.takeFirst(buf, &m)
		if unlocking := q.out.Unlock(ticket); err == nil {
			err = unlocking
		}
		if ok && err == nil {
			q.announceRoom()
			return m, nil
		}
		if err != nil {
			return Message{}, q.fail(breezeway.OpReceive, err)
		}
	}
	d, _, err := q.receiveSlowly(ctx, buf, false, true)
	return d.Message, q.fail(breezeway.OpReceive, err)
}

// TryReceive is Receive that doesn't wait for a message. It reports false if there is none,
// and also if another process is in the middle of a change and doesn't end it within
// 10 ms: it may have been stopped there.
func (q *LocalQueue) TryReceive(buf []byte) (Message, bool, error) {
	if q.isZero() {
		return Message{}, false, q.fail(breezeway.OpReceive, nil)
	}
	d, ok, err := q.receiveSlowly(context.Background(), buf, false, false)
	return d.Message, ok, q.fail(breezeway.OpReceive, err)
}

// Lease implements [Queue].
func (q *LocalQueue) Lease(ctx context.Context, buf []byte) (Delivery, error) {
	if q.isZero() {
		return Delivery{}, q.fail(breezeway.OpLease, nil)
	}
	d, _, err := q.receiveSlowly(ctx, buf, true, true)
	return d, q.fail(breezeway.OpLease, err)
}

// TryLease is Lease that doesn't wait. It reports false when [LocalQueue.TryReceive] does.
func (q *LocalQueue) TryLease(buf []byte) (Delivery, bool, error) {
	if q.isZero() {
		return Delivery{}, false, q.fail(breezeway.OpLease, nil)
	}
	d, ok, err := q.receiveSlowly(context.Background(), buf, true, false)
	return d, ok, q.fail(breezeway.OpLease, err)
}

// takeFirst takes the message at the ring's head, if that is the next one: nothing is in
// the store, and the rest of the ring has the same priority. It is called in the
// receivers' section, perhaps in memory that Close has replaced by zeros.
func (q *LocalQueue) takeFirst(buf []byte, m *Message) (ok bool, err error) {
	h := q.h
	position := h.head
	if h.ready|h.scheduled != 0 || atomic.LoadUint64(&h.lastChange) > position {
		return false, nil
	}
	s := &q.ring[position&q.mask]
	if atomic.LoadUint64(&s.state) != position+1 || s.deadline != 0 || q.made.Durable != 0 && q.verify(s) != nil {
		return false, nil
	}
	first := s.first
	if err = q.copyOut(s, buf, m); err != nil {
		return false, err
	}
	h.counts.Received++
	q.passHead()
	q.leave(position, first)
	return true, nil
}

// passHead ends the use of the ring's first slot: the message in it was taken, or is in
// the store. If the process dies before, the message is the first one still.
func (q *LocalQueue) passHead() {
	release.Store(&q.h.head, q.h.head+1)
	killpoint.Here("mq head passed")
}

// leave counts a message that has left the queue, and frees its blocks.
func (q *LocalQueue) leave(position uint64, first uint32) {
	if q.made.Sync != 0 {
		q.forget(position)
	}
	release.Store(&q.h.gone, q.h.gone+1)
	if first != 0 {
		q.freeBlocks(first)
	}
}

// announceRoom wakes the waiters for which a message has left the queue.
func (q *LocalQueue) announceRoom() {
	q.o.Touch(func() {
		q.room.Wake(1)
		// The length is asked for only then, since it is in the senders' cache line.
		if wait.MayPark(atomic.LoadUint32(&q.h.idle)) && q.length() == 0 {
			q.idle.Wake(wait.All)
		}
	})
}

// receiveSlowly takes or leases a message, and waits for one if it may.
func (q *LocalQueue) receiveSlowly(ctx context.Context, buf []byte, lease, mayWait bool) (d Delivery, ok bool, err error) {
	woken := false
	for {
		left, planned, forward := false, false, false
		err = q.within(ctx, &q.out, mayWait, func() (err error) {
			before, due := q.h.gone, q.h.nextDue
			d, ok, err = q.next(buf, lease)
			left, planned, forward = q.h.gone != before, q.h.nextDue != due, q.mayForward()
			return err
		})
		if planned { // a receiver that waits has to wait until then
			q.o.Touch(func() { q.arrived.Wake(1) })
		}
		if left {
			q.announceRoom()
		}
		if forward {
			q.forwardDead(ctx, mayWait)
		}
		if ok || err != nil || !mayWait {
			break
		}
		if err = q.awaitMessage(ctx); err != nil {
			return Delivery{}, false, err
		}
		if woken = true; ctx.Err() != nil {
			err = context.Cause(ctx)
			break
		}
	}
	if err != nil && woken { // what this process was woken for is there still
		q.o.Touch(func() { q.arrived.Wake(1) })
	}
	if !mayWait && errors.Is(err, errBusy) {
		err = nil
	}
	return d, ok, err
}

// awaitMessage waits until there may be a message to take.
func (q *LocalQueue) awaitMessage(ctx context.Context) error {
	due, until, cancel := q.untilDue(ctx)
	defer cancel()
	err := q.o.Wait(until, q.arrived, nil, func(check bool) (bool, error) {
		if check {
			if err := q.sweep(); err != nil {
				return false, err
			}
		}
		if q.mayTake() || check && q.mayForward() || atomic.LoadInt64(&q.h.nextDue) != due {
			return true, nil
		}
		return false, q.whetherRemoved()
	})
	if errors.Is(err, errDue) {
		return context.Cause(ctx) // perhaps at the same time
	}
	return err
}

var errDue = errors.New("a lease or a delay has ended")

// untilDue returns when the next lease or delay ends, 0 if none does, and a context that
// ends with errDue then.
func (q *LocalQueue) untilDue(ctx context.Context) (due int64, until context.Context, cancel context.CancelFunc) {
	q.o.Touch(func() { due = atomic.LoadInt64(&q.h.nextDue) })
	if due == 0 {
		return 0, ctx, func() {}
	}
	until, cancel = context.WithDeadlineCause(ctx, time.Unix(0, due), errDue)
	return due, until, cancel
}

// next takes or leases the next message, if there is one. It is called in the receivers'
// section.
func (q *LocalQueue) next(buf []byte, lease bool) (d Delivery, ok bool, err error) {
	now := time.Now().UnixNano()
	if err := q.endDue(now); err != nil {
		return d, false, err
	}
	for range q.made.Store + 1 { // with those that are dropped
		s, n, err := q.first()
		if s == nil && err == nil && q.h.leased != 0 { // by a process that died, perhaps
			if err = q.endDead(); err == nil {
				s, n, err = q.first()
			}
		}
		if s == nil || err != nil {
			return d, false, err
		}
		if deadline := s.deadline; deadline != 0 && deadline <= now {
			q.h.counts.Expired++
			if err := q.discard(s, n); err != nil {
				return d, false, err
			}
			continue
		}
		if err := q.verify(s); err != nil {
			if err := q.dropDamaged(s, n, err); err != nil {
				return d, false, err
			}
			continue
		}
		if err = q.copyOut(s, buf, &d.Message); err != nil {
			return d, false, err
		}
		if lease {
			d, err = q.leaseFirst(s, n, d.Message, now)
			return d, err == nil, err
		}
		q.h.counts.Received++
		return d, true, q.discard(s, n)
	}
	return d, false, errDamaged
}

// inRing says that a message is the first one of the ring, and in no slot of the store.
const inRing = -1

// first finds the next message: the first one of the ring, or the number of its slot in
// the store. It moves messages from the ring to the store until the rest of the ring has
// one priority.
func (q *LocalQueue) first() (s *slot, n int, err error) {
	h := q.h
	change := atomic.LoadUint64(&h.lastChange)
	if err := q.shelveBefore(change); err != nil {
		return nil, 0, err
	}
	oldest := q.arrivedAt(h.head)
	if h.ready == 0 {
		return oldest, inRing, nil
	}
	best := highest(h.ready)
	if oldest != nil && int(oldest.priority) > best {
		return oldest, inRing, nil
	}
	n = int(h.lists[best].first) - 1
	if n < 0 || n >= len(q.store) {
		return nil, 0, errDamaged
	}
	return &q.store[n], n, nil
}

// shelveBefore moves the messages before a position from the ring to the store.
func (q *LocalQueue) shelveBefore(position uint64) error {
	for range q.made.Ring {
		if q.h.head >= position || q.arrivedAt(q.h.head) == nil {
			return nil
		}
		if err := q.shelve(); err != nil {
			return err
		}
	}
	return nil
}

// arrivedAt returns the message at a position of the ring, or nil if none is there yet.
func (q *LocalQueue) arrivedAt(position uint64) *slot {
	s := &q.ring[position&q.mask]
	if atomic.LoadUint64(&s.state) != position+1 {
		return nil
	}
	return s
}

// discard removes the message that first has found.
func (q *LocalQueue) discard(s *slot, n int) error {
	position, first := s.position, s.first
	if n == inRing {
		position = q.h.head
		q.passHead()
		q.leave(position, first)
		return nil
	}
	if err := q.unlist(s, n); err != nil {
		return err
	}
	q.release(s, n)
	q.leave(position, first)
	return nil
}

// dropDamaged is discard of a message whose blocks can't be known. They are found to be
// free when they are needed.
func (q *LocalQueue) dropDamaged(s *slot, n int, damage error) error {
	q.h.counts.Damaged++
	q.warn("a message is damaged, and was dropped", "position", s.position, "error", damage)
	s.first = 0
	atomic.StoreUint32(&q.h.rebuild, blocksLost)
	return q.discard(s, n)
}

// copyOut copies a message. It reads each word of the slot once. m is filled in place: a
// copy of what was stored in smaller pieces a moment ago would wait until they are in the
// cache, behind the stores to lines of other processors.
func (q *LocalQueue) copyOut(s *slot, buf []byte, m *Message) error {
	size, idSize, next := int(s.size), int(s.idSize), s.first
	if size > int(q.made.MaxMessage) || idSize > MaxID {
		return errDamaged
	}
	switch {
	case buf == nil:
		buf = make([]byte, size)
	case len(buf) < size:
		return fmt.Errorf("the message has %d bytes, and the buffer %d; it is still in the queue (%w)", size, len(buf), breezeway.ErrTooLarge)
	}
	m.Priority, m.Deliveries = int(s.priority&MaxPriority), int(s.deliveries)+1
	if s.seen != 0 {
		m.Deliveries++
	}
	data := s.data[:]
	if idSize > 0 {
		m.ID = string(data[:idSize])
		data = data[idSize:]
	}
	m.Body = buf[:size]
	rest := m.Body[copy(m.Body, data):]
	for len(rest) > 0 {
		block := next - 1
		if block >= q.made.Blocks {
			return errDamaged
		}
		rest = rest[copy(rest, q.blocks[int(block)*blockSize:][:blockSize]):]
		next = atomic.LoadUint32(&q.nextBlock[block])
	}
	return nil
}
