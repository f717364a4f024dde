package mq

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/release"
)

// The store has the messages that can't be taken in the order of arrival: leased and
// delayed ones, those that were delivered before, and those that younger messages of a
// higher priority have overtaken. It is changed in the receivers' section only, but for
// disown.
//
// The states of its slots, and the ring's head, are the truth. The lists of ready
// messages, the schedule and the counts are made anew from them by repairOut, when a
// process has died in the section.

// storeUsed returns how many slots of the store have been in use at least once.
func (q *LocalQueue) storeUsed() int { return int(min(atomic.LoadUint32(&q.h.high), q.made.Store)) }

// highest returns the highest priority of a set that is not empty.
func highest(ready uint32) int { return bits.Len32(ready) - 1 }

// newSlot returns the number of a free slot of the store.
func (q *LocalQueue) newSlot() (int, error) {
	h := q.h
	if n := int(h.free) - 1; n >= 0 {
		if n >= len(q.store) || storeState(q.store[n].state).kind() != isFree {
			return 0, errDamaged
		}
		h.free = q.store[n].next
		return n, nil
	}
	if n := int(h.high); n < len(q.store) {
		atomic.StoreUint32(&h.high, uint32(n+1))
		return n, nil
	}
	return 0, errDamaged // there are as many slots as messages
}

// release frees a slot whose message has left the queue, and is in no list.
func (q *LocalQueue) release(s *slot, n int) {
	q.setState(s, storeState(s.state).as(isFree))
	killpoint.Here("mq slot freed")
	s.next = q.h.free
	q.h.free = uint32(n + 1)
}

func (q *LocalQueue) setState(s *slot, st storeState) { release.Store(&s.state, uint64(st)) }

// shelve moves the first message of the ring to the store.
func (q *LocalQueue) shelve() error {
	s, n, err := q.copyToStore()
	if err != nil {
		return err
	}
	q.setState(s, storeState(s.state).as(isReady))
	killpoint.Here("mq shelved")
	q.passHead()
	return q.enlist(s, n)
}

// copyToStore copies the first message of the ring to a slot of the store, which is free
// until its state says otherwise. From then on, and until the head is passed, the message
// is in both: repairOut frees the slot again.
func (q *LocalQueue) copyToStore() (*slot, int, error) {
	n, err := q.newSlot()
	if err != nil {
		return nil, 0, err
	}
	s := &q.store[n]
	s.copyFrom(&q.ring[q.h.head&q.mask])
	s.position = q.h.head
	if s.priority > MaxPriority {
		s.priority = MaxPriority // overwritten; what it says is checked again
	}
	return s, n, nil
}

// copyFrom copies a message to a slot of the store. The slot's state is never another
// one meanwhile.
func (s *slot) copyFrom(from *slot) {
	s.position, s.size, s.first, s.deadline = from.position, from.size, from.first, from.deadline
	s.priority, s.idSize, s.deliveries, s.sum, s.data = from.priority, from.idSize, from.deliveries, from.sum, from.data
	s.due, s.next, s.place, s.seen = 0, 0, 0, 0
}

// listOf returns the list where a ready message belongs.
func (q *LocalQueue) listOf(s *slot) int {
	if q.made.MaxDeliveries != 0 && s.deliveries >= q.made.MaxDeliveries {
		return deadList
	}
	return int(s.priority & MaxPriority)
}

// enlist puts a ready message into its list, in the order of positions. Most go to one of
// the two ends.
func (q *LocalQueue) enlist(s *slot, n int) error {
	which := q.listOf(s)
	l := &q.h.lists[which]
	s.next = 0
	number := uint32(n + 1)
	switch {
	case l.first == 0:
		l.first, l.last = number, number
	case l.last > q.made.Store || l.first > q.made.Store || l.last == 0:
		return errDamaged
	case q.store[l.last-1].position < s.position:
		q.store[l.last-1].next = number
		l.last = number
	case q.store[l.first-1].position > s.position:
		s.next = l.first
		l.first = number
	default:
		before := &q.store[l.first-1]
		for steps := q.made.Store; ; steps-- {
			if before.next == 0 || before.next > q.made.Store || steps == 0 {
				return errDamaged
			}
			next := &q.store[before.next-1]
			if next.position > s.position {
				break
			}
			before = next
		}
		s.next = before.next
		before.next = number
	}
	if which == deadList {
		atomic.StoreUint32(&q.h.dead, q.h.dead+1)
	} else {
		atomic.StoreUint32(&q.h.ready, q.h.ready|1<<which)
	}
	return nil
}

// unlist takes a ready message, which is the first one of its list, out of it.
func (q *LocalQueue) unlist(s *slot, n int) error {
	which := q.listOf(s)
	l := &q.h.lists[which]
	if int(l.first) != n+1 || s.next > q.made.Store {
		return errDamaged
	}
	l.first = s.next
	if l.first == 0 {
		l.last = 0
	}
	switch {
	case which == deadList:
		atomic.StoreUint32(&q.h.dead, q.h.dead-1)
	case l.first == 0:
		atomic.StoreUint32(&q.h.ready, q.h.ready&^(1<<which))
	}
	return nil
}

// leaseFirst leases the message that first has found.
func (q *LocalQueue) leaseFirst(s *slot, n int, m Message, now int64) (d Delivery, err error) {
	if n == inRing {
		if s, n, err = q.copyToStore(); err != nil {
			return d, err
		}
		s.deliveries++
		return q.leaseSlot(s, n, m, q.leaseEnd(now), true)
	}
	if err := q.unlist(s, n); err != nil {
		return d, err
	}
	s.deliveries++
	return q.leaseSlot(s, n, m, q.leaseEnd(now), false)
}

// leaseEnd returns when a lease ends that begins now; 0 is never.
func (q *LocalQueue) leaseEnd(now int64) int64 {
	if q.made.LeaseTimeout == 0 {
		return 0
	}
	return later(now, q.made.LeaseTimeout)
}

// later returns the time so many nanoseconds after now, or the last one that there is, in
// the year 2262.
func later(now, after int64) int64 { return now + min(after, math.MaxInt64-max(now, 0)) }

// leaseSlot leases the message in a slot of the store that is in no list.
func (q *LocalQueue) leaseSlot(s *slot, n int, m Message, due int64, fromRing bool) (Delivery, error) {
	s.due = due
	state := storeState(s.state).leasedBy(uint32(q.o.Me.Holder))
	q.setState(s, state)
	killpoint.Here("mq leased")
	if fromRing {
		q.passHead()
	}
	q.h.leased++
	if err := q.plan(s, n); err != nil {
		return Delivery{}, err
	}
	return NewDelivery(m, (*localLease)(q), Token{uint64(n), uint64(state)}), nil
}

// leasedSlot returns the slot of a lease that this process has.
func (q *LocalQueue) leasedSlot(t Token) (*slot, int, error) {
	if t.Message >= uint64(len(q.store)) {
		return nil, 0, ErrLeaseLost
	}
	s := &q.store[t.Message]
	if atomic.LoadUint64(&s.state) != t.Lease || storeState(t.Lease).kind() != isLeased {
		return nil, 0, ErrLeaseLost
	}
	return s, int(t.Message), nil
}

// endLease makes a leased or delayed message ready again.
func (q *LocalQueue) endLease(s *slot, n int) error {
	if err := q.unplan(s); err != nil {
		return err
	}
	if storeState(s.state).kind() == isLeased {
		q.h.leased--
		q.h.counts.Redelivered++
	} else {
		q.h.delayed--
	}
	q.setState(s, storeState(s.state).as(isReady))
	killpoint.Here("mq lease ended")
	return q.enlist(s, n)
}

// endDue makes the messages ready whose lease or delay has ended.
func (q *LocalQueue) endDue(now int64) error {
	for range q.made.Store + 1 {
		if q.h.nextDue == 0 || q.h.nextDue > now {
			return nil
		}
		n := int(q.schedule[0])
		if q.h.scheduled == 0 || n >= len(q.store) {
			return errDamaged
		}
		if err := q.endLease(&q.store[n], n); err != nil {
			return err
		}
	}
	return errDamaged
}

// endOver ends the leases and delays that are over, and, now and then, the leases of
// processes that died. It is called in both sections.
func (q *LocalQueue) endOver() error {
	h := q.h
	due := h.nextDue
	err := q.endDue(time.Now().UnixNano())
	if h.nextDue != due {
		q.arrived.Wake(1)
	}
	if err != nil {
		return err
	}
	return q.endDead()
}

// endDead is endLeasesOfDead now and then: for callers that come often. It takes at most
// a tenth of the time.
func (q *LocalQueue) endDead() error {
	start := time.Now()
	if q.h.leased == 0 || start.UnixNano() < q.endAgain {
		return nil
	}
	err := q.endLeasesOfDead()
	q.endAgain = start.UnixNano() + int64(max(11*time.Since(start), 10*time.Millisecond))
	return err
}

// isDue reports whether a lease or a delay is over, and has not ended.
func (q *LocalQueue) isDue() bool {
	due := atomic.LoadInt64(&q.h.nextDue)
	return due != 0 && due <= time.Now().UnixNano()
}

// sweep ends the leases of processes that died, if no living process is in the section.
func (q *LocalQueue) sweep() error {
	if q.h.leased == 0 {
		return nil
	}
	_, err := q.out.TryDo(q.endLeasesOfDead)
	return err
}

// endLeasesOfDead ends the leases of processes that died. It is called in the receivers'
// section.
func (q *LocalQueue) endLeasesOfDead() error {
	lives := map[uint32]bool{}
	for n := range q.storeUsed() {
		s := &q.store[n]
		st := storeState(atomic.LoadUint64(&s.state))
		if st.kind() != isLeased {
			continue
		}
		alive, known := lives[st.holder()]
		if !known {
			holder := liveness.Holder(st.holder())
			var err error
			switch {
			case holder == liveness.None: // overwritten
			case q.o.Slots.Check(holder) == nil:
				if alive, err = q.o.Slots.Lives(holder); err != nil {
					return err
				}
			}
			lives[st.holder()] = alive
		}
		if alive {
			continue
		}
		q.warn("the process that had leased a message died; it is delivered again", "position", s.position)
		if err := q.endLease(s, n); err != nil {
			return err
		}
		q.arrived.Wake(1)
	}
	return nil
}

// disown marks the leases of past processes in this process's slot as those of a dead
// process. Every process in a slot does so, and therefore no lease names a generation of
// the slot that comes round. A process in the section may change the state meanwhile: to
// one that doesn't name the past process either.
func (q *LocalQueue) disown(me liveness.Holder) {
	for n := range q.storeUsed() {
		state := &q.store[n].state
		w := atomic.LoadUint64(state)
		holder := liveness.Holder(storeState(w).holder())
		if storeState(w).kind() == isLeased && holder.SharesSlot(me) {
			atomic.CompareAndSwapUint64(state, w, w&(holderUnit-1)|uint64(liveness.Dead)*holderUnit)
		}
	}
}

// dropLowest drops the oldest ready message of the lowest priority, unless that is above
// the given one. It reports whether it did, and fails with ErrFull if no message is ready.
func (q *LocalQueue) dropLowest(priority int) (bool, error) {
	h := q.h
	if err := q.shelveBefore(atomic.LoadUint64(&h.lastChange)); err != nil {
		return false, err
	}
	lowest, n := priorities, inRing
	s := q.arrivedAt(h.head)
	if s != nil {
		lowest = int(s.priority)
	}
	if h.ready != 0 {
		if p := bits.TrailingZeros32(h.ready); p <= lowest { // those in the store are older
			lowest, n = p, int(h.lists[p].first)-1
			if n < 0 || n >= len(q.store) {
				return false, errDamaged
			}
			s = &q.store[n]
		}
	}
	if s == nil { // all are leased or delayed
		return false, ErrFull
	}
	if lowest > priority {
		return false, nil
	}
	h.counts.Dropped++
	return true, q.discard(s, n)
}
