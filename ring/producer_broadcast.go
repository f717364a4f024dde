package ring

import (
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
)

// extendBroadcast is extend where several receivers have positions of their own.
//
// The sender says first, by oldest, which records it is going to overwrite, and looks then
// where the receivers are. A new receiver says first where it is, and looks then at oldest.
// Both store atomically, so that at least one of them finds the other's: the sender takes
// the receiver into account, or the receiver begins later.
//
// With SlowBlock the sender waits for a slow receiver. Otherwise it moves its cursor on, or
// marks it, by a compare-and-swap. If the receiver is reading just then (isHeld), neither
// is what it reads overwritten nor is it waited for: the sender goes on behind, and makes
// the gap a record to be skipped; once around the ring at most, see producer.look. The word of that is before what is read, or is that of a
// record whose word the receiver has read already.
func (p *producer) extendBroadcast(want uint64, check bool) (again bool, err error) {
	cells := p.c.made.Cells
	goal := p.next + max(cells/8, want)
	for range len(p.c.lines) + 2 {
		if err := p.dropBefore(goal); err != nil {
			return false, err
		}
		limit, behind, err := p.passReceivers(goal, check)
		if err != nil {
			return false, err
		}
		if p.limit = limit; p.next+want <= limit {
			return true, nil
		}
		if behind == 0 || behind+p.c.ahead()-p.next > cells {
			return false, nil
		}
		if behind+p.c.ahead() <= goal {
			p.skipOver(behind - p.next)
			p.limit = p.next
			return true, nil
		}
		goal = behind + p.c.ahead()
	}
	return false, nil
}

// dropBefore says that the records are going to be overwritten whose cells are needed to
// write up to goal.
func (p *producer) dropBefore(goal uint64) error {
	h, dropped := p.c.h, uint64(0)
	for p.oldest+p.c.made.Cells < goal && p.oldest != p.next {
		w := p.load(p.oldest)
		if !w.isAt(p.oldest) || w.state() == empty {
			return errDamaged
		}
		n, err := p.c.length(w)
		if err != nil {
			return err
		}
		if w.state() == ready {
			dropped++
		}
		p.oldest += n
	}
	if h.oldest.Load() != p.oldest {
		number := h.number.Load() + dropped
		h.aim.Store(p.oldest)
		h.number.Store(number) // see core.oldestRecord
		killpoint.Here("ring dropped counted")
		h.oldest.Store(p.oldest)
		killpoint.Here("ring oldest moved")
		h.numberAgain.Store(number)
	}
	return nil
}

// oldestRecord returns the position of the oldest record that is kept, and how many messages
// there were before. The numbers are read in the reverse order of their stores, so that they
// belong together if they are equal. If they stay different the sender has died between the
// stores: then the second is that of the position, unless that is what the sender aimed at.
func (c *core) oldestRecord() (pos, number uint64) {
	const tries = 100
	for range tries {
		again := c.h.numberAgain.Load()
		pos, number = c.h.oldest.Load(), c.h.number.Load()
		if number == again {
			break
		}
		if c.h.aim.Load() != pos {
			number = again
		}
	}
	return pos, number
}

// passReceivers finds how far the sender may write, at most up to goal. If that is up to
// what a receiver holds, behind is the position after it.
func (p *producer) passReceivers(goal uint64, check bool) (limit, behind uint64, err error) {
	limit = goal
	for i := range p.c.lines {
		at, end, err := p.pass(i, goal, check)
		if err != nil {
			return 0, 0, err
		}
		if at < limit {
			limit, behind = at, end
		}
	}
	if behind == 0 {
		return limit, 0, nil
	}
	for range p.c.lines { // what another one holds may reach further
		for i := range p.c.lines {
			at, end, err := p.pass(i, goal, false)
			if err != nil {
				return 0, 0, err
			}
			if end != 0 && at < behind+p.c.ahead() && end > behind {
				behind = end
			}
		}
	}
	return limit, behind, nil
}

// pass lets a receiver go on that is in the way up to goal. It returns up to where the
// sender may write, and the end of what the receiver holds, 0 if it holds nothing.
func (p *producer) pass(i int, goal uint64, check bool) (limit, end uint64, err error) {
	l := &p.c.lines[i]
	if liveness.Holder(l.receiver.Load()) == liveness.None {
		return goal, 0, nil
	}
	cells := p.c.made.Cells
	for range 4*cells + 100 { // each time the receiver has moved, or has taken or released
		cursor := l.cursor.Load()
		pos := cursor >> cursorShift
		switch {
		case cursor&isHeld != 0:
			killpoint.Here("ring holder seen")
			held := l.taken.Load() - pos
			if l.cursor.Load() != cursor { // taken may be of what it holds now
				continue
			}
			if held < 1 || held > cells {
				return 0, 0, errDamaged
			}
			if Slow(p.c.made.Slow) == SlowDisconnect && int64(pos+held-p.oldest) < 0 &&
				!l.cursor.CompareAndSwap(cursor, cursor|isGone) {
				continue
			}
			limit = p.next + (pos-p.next)&p.mask
			if limit >= goal {
				return goal, 0, nil
			}
			if dead, err := p.c.buryReceiver(i, true); dead || err != nil {
				return goal, 0, err
			}
			return limit, limit + held, nil
		case cursor&isGone != 0 || int64(pos-p.oldest) >= 0 && pos+cells >= goal:
			return goal, 0, nil
		case Slow(p.c.made.Slow) == SlowBlock:
			if dead, err := p.c.buryReceiver(i, check); dead || err != nil {
				return goal, 0, err
			}
			// It may be further back if it is just coming.
			return max(pos+cells, p.next), 0, nil
		case Slow(p.c.made.Slow) == SlowSkip:
			if l.cursor.CompareAndSwap(cursor, p.oldest<<cursorShift) {
				killpoint.Here("ring receiver moved")
				return goal, 0, nil
			}
		default:
			if l.cursor.CompareAndSwap(cursor, cursor|isGone) {
				p.c.wakeReceivers()
				return goal, 0, nil
			}
		}
	}
	return 0, 0, errDamaged
}

// buryReceiver gives up the line of a receiver whose process is dead, and reports whether
// it is. With check it asks the kernel.
func (c *core) buryReceiver(i int, check bool) (bool, error) {
	owner := &c.owners[i]
	w := c.lines[i].receiver.Load()
	h := liveness.Holder(w)
	if h == liveness.None {
		return true, nil
	}
	dead, err := owner.IsDead(h, check)
	if err != nil || !dead {
		return false, err
	}
	if owner.Bury(w) {
		c.warn("a receiver died; the sender doesn't wait for it")
	}
	return true, nil
}
