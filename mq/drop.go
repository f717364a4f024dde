package mq

import (
	"iter"
	"sync/atomic"
)

// dropFor drops messages so that there may be room for m: the oldest ones of the lowest
// priority first. Where blocks are what is missing, messages without blocks stay. It
// reports false if the messages that have the room are all of a higher priority, and fails
// with ErrFull if leased and delayed ones have it. It drops none then. It is called in
// both sections.
func (q *LocalQueue) dropFor(m *Outgoing) (bool, error) {
	need := blocksOf(m)
	if q.hasBlocks(need) { // then it is a place that is missing
		return q.dropLowest(m.Priority)
	}
	if err := q.shelveBefore(atomic.LoadUint64(&q.h.lastChange)); err != nil {
		return false, err
	}
	missing := need - q.freeNow()
	chosen, last := map[uint64]bool{}, uint64(0)
	for s := range q.droppable() {
		blocks := blocksFor(int(s.size) + int(s.idSize))
		if blocks == 0 {
			continue
		}
		chosen[s.position] = true
		last = max(last, s.position)
		if missing -= blocks; missing > 0 {
			continue
		}
		if int(s.priority) > m.Priority {
			return false, nil
		}
		if len(chosen) == 1 && s == q.lowest() {
			return q.dropLowest(m.Priority)
		}
		return true, q.dropAll(chosen, last)
	}
	return false, ErrFull
}

// lowest returns the message that dropLowest would drop.
func (q *LocalQueue) lowest() *slot {
	for s := range q.droppable() {
		return s
	}
	return nil
}

// droppable returns the ready messages, those of the lowest priority first, and of one
// priority the oldest first. The rest of the ring has one priority.
func (q *LocalQueue) droppable() iter.Seq[*slot] {
	h := q.h
	return func(yield func(*slot) bool) {
		for p := range priorities {
			next := h.lists[p].first
			for range q.made.Store {
				if next == 0 || next > q.made.Store {
					break
				}
				s := &q.store[next-1]
				if !yield(s) {
					return
				}
				next = s.next
			}
			first := q.arrivedAt(h.head)
			if first == nil || int(first.priority) != p {
				continue
			}
			for i := range uint64(q.made.Ring) {
				s := q.arrivedAt(h.head + i)
				if s == nil {
					break
				}
				if !yield(s) {
					return
				}
			}
		}
	}
}

// dropAll drops the messages at these positions, of which last is the highest.
func (q *LocalQueue) dropAll(positions map[uint64]bool, last uint64) error {
	if err := q.shelveBefore(last + 1); err != nil {
		return err
	}
	for n := range q.storeUsed() {
		s := &q.store[n]
		if storeState(s.state).kind() != isReady || !positions[s.position] {
			continue
		}
		q.setState(s, storeState(s.state).as(isFree))
		if q.made.Sync != 0 {
			q.forget(s.position)
		}
		q.h.counts.Dropped++
	}
	if err := q.repairOut(); err != nil {
		return err
	}
	return q.rebuildBlocks()
}
