package mq

import "sync/atomic"

// The schedule is a binary heap of the slots of the store whose lease or delay ends at a
// time. schedule[i] is the number of a slot, whose place is i + 1.

// plan puts a slot into the schedule, unless it is never due.
func (q *LocalQueue) plan(s *slot, n int) error {
	h := q.h
	s.place = 0
	if s.due == 0 {
		return nil
	}
	i := int(h.scheduled)
	if i >= len(q.schedule) {
		return errDamaged
	}
	h.scheduled = uint32(i + 1)
	q.schedule[i] = uint32(n)
	if err := q.siftUp(i); err != nil {
		return err
	}
	return q.setNextDue()
}

// unplan takes a slot out of the schedule, if it is there.
func (q *LocalQueue) unplan(s *slot) error {
	h := q.h
	i := int(s.place) - 1
	if i < 0 {
		return nil
	}
	last := int(h.scheduled) - 1
	if i > last || last >= len(q.schedule) {
		return errDamaged
	}
	h.scheduled = uint32(last)
	q.schedule[i] = q.schedule[last]
	s.place = 0
	if i != last {
		if err := q.siftUp(i); err != nil {
			return err
		}
		if err := q.siftDown(i); err != nil {
			return err
		}
	}
	return q.setNextDue()
}

func (q *LocalQueue) setNextDue() error {
	var due int64
	if q.h.scheduled > 0 {
		s, err := q.planned(0)
		if err != nil {
			return err
		}
		due = s.due
	}
	atomic.StoreInt64(&q.h.nextDue, due)
	return nil
}

// planned returns the slot at a place of the schedule.
func (q *LocalQueue) planned(i int) (*slot, error) {
	if i >= len(q.schedule) {
		return nil, errDamaged
	}
	n := q.schedule[i]
	if n >= q.made.Store {
		return nil, errDamaged
	}
	return &q.store[n], nil
}

// siftUp moves the slot at i towards the root until it is not due before its parent.
func (q *LocalQueue) siftUp(i int) error {
	for {
		s, err := q.planned(i)
		if err != nil {
			return err
		}
		s.place = uint32(i + 1)
		if i == 0 {
			return nil
		}
		parent := (i - 1) / 2
		p, err := q.planned(parent)
		if err != nil {
			return err
		}
		if p.due <= s.due {
			return nil
		}
		q.swap(i, parent)
		p.place = uint32(i + 1)
		i = parent
	}
}

// siftDown moves the slot at i away from the root until none of its children is due
// before it.
func (q *LocalQueue) siftDown(i int) error {
	for {
		s, err := q.planned(i)
		if err != nil {
			return err
		}
		s.place = uint32(i + 1)
		least, due := i, s.due
		for child := 2*i + 1; child <= 2*i+2 && child < int(q.h.scheduled); child++ {
			c, err := q.planned(child)
			if err != nil {
				return err
			}
			if c.due < due {
				least, due = child, c.due
			}
		}
		if least == i {
			return nil
		}
		q.swap(i, least)
		up, err := q.planned(i)
		if err != nil {
			return err
		}
		up.place = uint32(i + 1)
		i = least
	}
}

func (q *LocalQueue) swap(i, j int) { q.schedule[i], q.schedule[j] = q.schedule[j], q.schedule[i] }
