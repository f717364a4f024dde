package mq

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/release"
)

// Send implements [Queue].
func (q *LocalQueue) Send(ctx context.Context, m Outgoing) error {
	if q.isZero() {
		return q.fail(breezeway.OpSend, nil)
	}
	if err := q.check(&m); err != nil {
		return q.fail(breezeway.OpSend, err)
	}
	if ticket, ok := enter(&q.in); ok {
		sent, err := q.put(&m)
		if unlocking := q.in.Unlock(ticket); err == nil {
			err = unlocking
		}
		if sent && err == nil {
			q.arrived.Wake(1)
			return q.fail(breezeway.OpSend, q.persist(ctx, true))
		}
		if err != nil {
			return q.fail(breezeway.OpSend, err)
		}
	}
	_, err := q.sendSlowly(ctx, []Outgoing{m}, true)
	return q.fail(breezeway.OpSend, err)
}

// TrySend is Send that doesn't wait for room. It reports false if the queue is full and
// Send would wait, and also if another process is in the middle of a change and doesn't
// end it within 10 ms: it may have been stopped there. With [Config].Sync it returns, as
// Send does, when the message is on the disk.
func (q *LocalQueue) TrySend(m Outgoing) (bool, error) {
	if q.isZero() {
		return false, q.fail(breezeway.OpSend, nil)
	}
	if err := q.check(&m); err != nil {
		return false, q.fail(breezeway.OpSend, err)
	}
	sent, err := q.sendSlowly(context.Background(), []Outgoing{m}, false)
	return sent == 1, q.fail(breezeway.OpSend, err)
}

// SendBatch implements [Queue]. Other senders' messages come in between only where it has
// to wait for room.
func (q *LocalQueue) SendBatch(ctx context.Context, messages []Outgoing) (sent int, err error) {
	if q.isZero() {
		return 0, q.fail(breezeway.OpSend, nil)
	}
	for i := range messages {
		if err := q.check(&messages[i]); err != nil {
			return 0, q.fail(breezeway.OpSend, err)
		}
	}
	sent, err = q.sendSlowly(ctx, messages, true)
	return sent, q.fail(breezeway.OpSend, err)
}

func (q *LocalQueue) check(m *Outgoing) error {
	switch {
	case len(m.Body) > int(q.made.MaxMessage):
		return fmt.Errorf("the message has %d bytes, and the queue takes up to %d; create it with a %s (%w)", len(m.Body), q.made.MaxMessage, fail.Go("larger Config.MaxMessage"), breezeway.ErrTooLarge)
	case len(m.ID) > MaxID:
		return fmt.Errorf("the message's ID has %d bytes; at most %d are possible (%w)", len(m.ID), MaxID, breezeway.ErrTooLarge)
	case m.Priority < 0 || m.Priority > MaxPriority:
		return fmt.Errorf("the priority %d is not one of 0 to %d (%w)", m.Priority, MaxPriority, os.ErrInvalid)
	case m.TTL < 0:
		return fmt.Errorf("the TTL %v is negative (%w)", m.TTL, os.ErrInvalid)
	}
	return nil
}

// sendSlowly sends messages, and waits for room if it may.
func (q *LocalQueue) sendSlowly(ctx context.Context, messages []Outgoing, mayWait bool) (sent int, err error) {
	var w *roomWait // it is on the heap: most calls need none
	forwarded := false
	for {
		put, expiry, forward := 0, int64(0), false
		err = q.within(ctx, &q.in, mayWait, func() error {
			for sent < len(messages) {
				ok, err := q.put(&messages[sent])
				if err == nil && !ok {
					ok, err = q.putIntoFull(ctx, &messages[sent], mayWait)
					expiry = q.nextExpiry
				}
				if err != nil || !ok {
					forward = !q.set.passOn && q.mayForward()
					return err
				}
				sent++
				put++
			}
			return nil
		})
		if put > 0 {
			q.o.Touch(func() { q.arrived.Wake(put) })
			err = q.persistSent(ctx, mayWait, err)
		}
		if forward && (err == nil || errors.Is(err, ErrFull)) { // which makes room, or isn't tried again soon
			q.forwardDead(ctx, mayWait)
			if mayWait && ctx.Err() == nil || !forwarded { // what is damaged may say so again and again
				forwarded = true
				continue
			}
			if err == nil {
				err = context.Cause(ctx)
			}
			break
		}
		if err != nil || sent == len(messages) || !mayWait {
			break
		}
		if w == nil {
			w = newRoomWait(q)
		}
		if err = w.await(ctx, blocksOf(&messages[sent]), expiry); err != nil {
			break
		}
	}
	w.end()
	if !mayWait && errors.Is(err, errBusy) {
		err = nil
	}
	return sent, err
}

// persistSent is persist of what was sent before err, which may say that ctx is done.
func (q *LocalQueue) persistSent(ctx context.Context, mayWait bool, err error) error {
	if err == nil {
		return q.persist(ctx, mayWait)
	}
	if persisting := q.persist(context.WithoutCancel(ctx), false); persisting != nil {
		return errors.Join(err, persisting)
	}
	return err
}

// put puts a message into the ring if there is room. It is called in the senders'
// section, perhaps in memory that Close has replaced by zeros.
func (q *LocalQueue) put(m *Outgoing) (ok bool, err error) {
	h := q.h
	position := h.tail
	if position-q.goneSeen >= uint64(q.made.Capacity) {
		if q.goneSeen = atomic.LoadUint64(&h.gone); less(position, q.goneSeen) >= uint64(q.made.Capacity) {
			return false, nil
		}
	}
	s := &q.ring[position&q.mask]
	if q.made.Sync != 0 {
		if err := q.keepStored(position); err != nil {
			return false, err
		}
	}
	s.position = position
	s.size, s.idSize, s.priority = uint32(len(m.Body)), uint8(len(m.ID)), uint8(m.Priority)
	s.deliveries, s.seen, s.first, s.deadline = 0, 0, 0, 0
	if m.TTL > 0 {
		s.deadline = later(time.Now().UnixNano(), int64(m.TTL))
		atomic.StoreUint32(&h.expiring, 1)
	}
	if n := len(m.ID) + len(m.Body); n <= slotData {
		copy(s.data[copy(s.data[:], m.ID):], m.Body)
	} else if ok, err := q.putLong(s, m); !ok || err != nil {
		return false, err
	}
	if q.made.Durable != 0 {
		if s.sum, err = q.checksum(s, &q.covered.in); err != nil {
			return false, err
		}
	}
	if h.lastPriority != uint32(m.Priority) || position == 0 {
		h.lastPriority = uint32(m.Priority)
		atomic.StoreUint64(&h.lastChange, position)
	}
	killpoint.Here("mq filled")
	release.Store(&s.state, position+1)
	killpoint.Here("mq sent")
	release.Store(&h.tail, position+1)
	return true, nil
}

// putLong copies an ID and a body that don't fit into the slot s, and takes blocks for
// the rest.
func (q *LocalQueue) putLong(s *slot, m *Outgoing) (ok bool, err error) {
	need := blocksFor(len(m.ID) + len(m.Body))
	if !q.hasBlocks(need) {
		return false, nil
	}
	h := q.h
	rest := m.Body[copy(s.data[copy(s.data[:], m.ID):], m.Body):]
	taken, fresh, last := h.taken, h.fresh, uint32(0)
	for len(rest) > 0 {
		var block uint32
		if taken < q.freedSeen {
			block = atomic.LoadUint32(&q.freeRing[taken%uint64(q.made.Blocks)])
			taken++
		} else {
			block = fresh
			fresh++
		}
		if block >= q.made.Blocks {
			return false, errDamaged
		}
		if last == 0 {
			s.first = block + 1
		} else {
			q.nextBlock[last-1] = block + 1
		}
		last = block + 1
		rest = rest[copy(q.blocks[int(block)*blockSize:][:blockSize], rest):]
	}
	q.nextBlock[last-1] = 0
	// They are this message's from here on. If the process dies before the message is
	// sent, the next sender finds that blocks may have been lost.
	release.Store(&h.taken, taken)
	atomic.StoreUint32(&h.fresh, fresh)
	killpoint.Here("mq blocks taken")
	return true, nil
}

// freeNow returns how many blocks are free, of those that the process has seen freed.
func (q *LocalQueue) freeNow() int64 {
	h := q.h
	back := max(int64(q.freedSeen-h.taken), 0) // another process may have seen and taken more
	return back + int64(q.made.Blocks) - int64(min(h.fresh, q.made.Blocks))
}

// hasBlocks reports whether so many blocks are free.
func (q *LocalQueue) hasBlocks(n int64) bool {
	h := q.h
	if atomic.LoadUint32(&h.rebuild) == rebuilding {
		return false
	}
	if q.freeNow() >= n {
		return true
	}
	q.freedSeen = atomic.LoadUint64(&h.freed)
	return q.freeNow() >= n
}

// blocksOf returns how many blocks a message takes.
func blocksOf(m *Outgoing) int64 { return blocksFor(len(m.ID) + len(m.Body)) }

// mayPut reports whether there may be room for a message that takes so many blocks.
func (q *LocalQueue) mayPut(need int64) bool {
	h := q.h
	if q.inside() >= uint64(q.made.Capacity) {
		return false
	}
	freed := atomic.LoadUint64(&h.freed)
	back := min(less(freed, atomic.LoadUint64(&h.taken)), uint64(q.made.Blocks))
	return need == 0 || atomic.LoadUint32(&h.rebuild) != 0 ||
		int64(back)+int64(q.made.Blocks)-int64(min(atomic.LoadUint32(&h.fresh), q.made.Blocks)) >= need
}

// putIntoFull puts a message into a queue that has no room for it at first. What has
// expired goes, and leases that are over end, as a receiver would see to; then the queue's
// rule decides. It is called in the senders' section, and
// enters the receivers'.
func (q *LocalQueue) putIntoFull(ctx context.Context, m *Outgoing, mayWait bool) (ok bool, err error) {
	err = q.within(ctx, &q.out, mayWait, func() error {
		if err := q.endOver(); err != nil {
			return err
		}
		if err := q.dropExpired(); err != nil {
			return err
		}
		if err := q.rebuildBlocks(); err != nil {
			return err
		}
		for range q.made.Capacity + 1 {
			if ok, err = q.put(m); ok || err != nil || Full(q.made.Full) != FullDrop {
				return err
			}
			dropped, err := q.dropFor(m)
			if err != nil {
				return err
			}
			if !dropped { // m itself is the one to be dropped
				q.h.counts.Dropped++
				ok = true
				return nil
			}
		}
		return errDamaged
	})
	if err == nil && !ok && Full(q.made.Full) == FullFail {
		err = ErrFull
	}
	return ok, err
}
