package mq

import (
	"sync/atomic"
	"time"
)

// The messages whose time to live is over are dropped by a receiver that meets them, and
// by a sender that finds the queue full.

// dropExpired drops the messages whose time to live is over, and sets nextExpiry. It is
// called in both sections.
//
// It looks at every message. So that this doesn't grow to be what a full queue is busy
// with, it does so again only after ten times as long.
func (q *LocalQueue) dropExpired() error {
	h := q.h
	start := time.Now()
	now := start.UnixNano()
	if atomic.LoadUint32(&h.expiring) == 0 {
		q.nextExpiry = 0
		return nil
	}
	if now < q.expireAgain {
		return nil
	}
	q.nextExpiry = 0
	atomic.StoreUint32(&h.expiring, 0)
	err := q.shelveExpired(now)
	if err == nil {
		err = q.dropStored(now)
	}
	if q.nextExpiry != 0 || err != nil {
		atomic.StoreUint32(&h.expiring, 1)
	}
	took := time.Since(start)
	q.expireAgain = now + int64(max(11*took, 10*time.Millisecond))
	if q.nextExpiry != 0 {
		q.nextExpiry = max(q.nextExpiry, q.expireAgain)
	}
	return err
}

// shelveExpired moves the ring's messages to the store, up to the last one that has
// expired.
func (q *LocalQueue) shelveExpired(now int64) error {
	end := uint64(0)
	for position := q.h.head; position-q.h.head < uint64(q.made.Ring); position++ {
		s := q.arrivedAt(position)
		if s == nil {
			break
		}
		if deadline := s.deadline; deadline != 0 {
			if deadline <= now {
				end = position + 1
			} else {
				q.expires(deadline)
			}
		}
	}
	return q.shelveBefore(end)
}

// dropStored drops what has expired in the store. What is leased or delayed stays.
func (q *LocalQueue) dropStored(now int64) error {
	expired := 0
	for n := range q.storeUsed() {
		s := &q.store[n]
		deadline := s.deadline
		switch kind := storeState(s.state).kind(); {
		case kind == isFree || deadline == 0:
		case kind == isReady && deadline <= now:
			q.setState(s, storeState(s.state).as(isFree))
			q.h.counts.Expired++
			expired++
		default:
			q.expires(max(deadline, s.due))
		}
	}
	if expired == 0 {
		return nil
	}
	return q.repairOut()
}

// expires takes note that a message can be dropped from a time on.
func (q *LocalQueue) expires(at int64) {
	if q.nextExpiry == 0 || at < q.nextExpiry {
		q.nextExpiry = at
	}
}
