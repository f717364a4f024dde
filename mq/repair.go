package mq

import (
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/killpoint"
)

// repairIn repairs what a process left that died in the senders' section. It may have
// sent its message without counting it, and taken blocks without sending it.
func (q *LocalQueue) repairIn() error {
	h := q.h
	q.in.Recoveries().Add(1)
	q.warn("a process died while it sent a message; the queue is whole")
	if q.halfSent() {
		atomic.StoreUint64(&h.tail, h.tail+1)
	}
	// Which priority the last message has is not known.
	h.lastPriority = ^uint32(0)
	atomic.StoreUint64(&h.lastChange, h.tail)
	if atomic.LoadUint32(&h.rebuild) == 0 {
		atomic.StoreUint32(&h.rebuild, blocksLost)
	}
	return nil
}

// halfSent reports whether the message at tail was sent, and not counted. A receiver may
// have taken it since, and forgotten it; the head says so then. It is passed before, and
// therefore read after the slot.
func (q *LocalQueue) halfSent() bool {
	h := q.h
	return q.arrivedAt(h.tail) != nil || atomic.LoadUint64(&h.head) == h.tail+1
}

// repairOut makes the lists, the schedule and the counts anew from the states of the
// slots and the ring's head, after a process died in the receivers' section.
func (q *LocalQueue) repairOut() error {
	h := q.h
	if h.head > atomic.LoadUint64(&h.tail)+1 { // of a message that is sent and not counted yet
		return errDamaged
	}
	h.lists = [priorities + 1]list{}
	h.free, h.scheduled, h.leased, h.delayed = 0, 0, 0, 0
	atomic.StoreUint32(&h.ready, 0)
	atomic.StoreUint32(&h.dead, 0)
	atomic.StoreInt64(&h.nextDue, 0)
	var ready []int
	inStore := uint64(0)
	for n := range q.storeUsed() {
		s := &q.store[n]
		st := storeState(atomic.LoadUint64(&s.state))
		if st.kind() != isFree && s.position >= h.head {
			st = st.as(isFree) // it is in the ring still
			q.setState(s, st)
		}
		s.place = 0
		switch st.kind() {
		case isFree:
			s.next = h.free
			h.free = uint32(n + 1)
			continue
		case isReady:
			ready = append(ready, n)
		case isLeased:
			h.leased++
		case isDelayed:
			h.delayed++
		}
		inStore++
		if st.kind() != isReady {
			if err := q.plan(s, n); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(ready, func(a, b int) int { return cmp.Compare(q.store[a].position, q.store[b].position) })
	for _, n := range ready {
		if err := q.enlist(&q.store[n], n); err != nil {
			return err
		}
	}
	killpoint.Here("mq store repaired")
	atomic.StoreUint64(&h.gone, h.head-min(inStore, h.head))
	if atomic.LoadUint32(&h.rebuild) == 0 {
		atomic.StoreUint32(&h.rebuild, blocksLost)
	}
	// Waiters may have missed what was announced.
	q.arrived.Wake(1)
	q.room.Wake(1)
	return nil
}
