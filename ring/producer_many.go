package ring

import (
	"runtime"

	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
)

// # Many senders
//
// The word at the tail is the reservation: a sender changes it from "free" to "writing, by
// this holder, so many cells" by a compare-and-swap, clears the word after the record,
// moves the tail, fills the record, and commits it. The others wait for the tail to move.
// Since the word says how long the record is, and by which process it is filled, another
// process can finish what a dead one has begun: it moves the tail, and makes the record
// one to be skipped. It does so in the section core.lock, so that a word is never cleared
// late, over a message.
//
// A sender whose tail is out of date can't reserve: a word that is free is free for one
// position only.

// lookShared looks for room, and reserves it, among many senders.
func (p *producer) lookShared(check bool) (bool, error) {
	const tries = 10_000 // lost to other senders
	p.quick = p.c.h.mayStorePlainly()
	for try := range tries {
		if err := p.c.checkRemoved(); err != nil {
			return false, err
		}
		tail := p.c.h.tail.Load()
		w := p.load(tail)
		if !p.isFree(w, tail) {
			if err := p.passTail(w, try, check || try == tries/2); err != nil {
				return false, err
			}
			continue
		}
		n, pad := p.need, p.gap(tail, p.need)
		if pad > 0 {
			n = pad
		}
		if !p.fits(tail, n) {
			if p.c.h.tail.Load() != tail {
				continue
			}
			return false, p.checkFull(tail, check)
		}
		if p.reserveAt(tail, w, n) && pad == 0 {
			p.pos = tail
			return true, nil
		}
		p.cancel() // a gap
	}
	return false, nil
}

// passTail is called when the word at the tail is not free: another sender has reserved it,
// and is going to move the tail.
func (p *producer) passTail(w word, try int, check bool) error {
	if try%100 == 99 { // it may wait for this processor
		yield()
		runtime.Gosched()
	}
	if w.state() != writing || !check {
		return nil
	}
	return p.c.endDeadSenders()
}

// fits reports whether there is room for n cells at the tail, and the one after them.
func (p *producer) fits(tail, n uint64) bool {
	end := tail + n + p.c.ahead()
	if end-p.seen > p.c.made.Cells {
		p.seen = p.c.released()
	}
	return end-p.seen <= p.c.made.Cells
}

// checkFull looks after what no wake-up announces, where there is no room: it may be taken
// up by records of dead senders.
func (p *producer) checkFull(tail uint64, check bool) error {
	switch {
	case tail-p.seen > p.c.made.Cells:
		return errDamaged
	case check:
		return p.c.endDeadSenders()
	}
	return nil
}

// reserveAt reserves n cells at the tail, whose word is w. It reports false if another
// sender was faster.
func (p *producer) reserveAt(tail uint64, w word, n uint64) bool {
	if !p.swap(tail, w, writingBy(uint32(p.c.o.Me.Holder), n)) {
		return false
	}
	killpoint.Here("ring reserved")
	if p.c.made.variable() {
		p.put(tail+n, wordOf(empty, tail+n, 0))
		killpoint.Here("ring cleared")
	}
	p.c.h.tail.Store(tail + n)
	killpoint.Here("ring tail moved")
	p.next, p.reserved = tail, n
	return true
}

// isFree reports whether w says that the cell at pos is where the next record begins.
func (p *producer) isFree(w word, pos uint64) bool {
	if w == wordOf(empty, pos, 0) {
		return true
	}
	// A cell that never has a part of a message in its word keeps an old record's.
	return !p.c.made.variable() && w.state() != writing && int32(uint32(w>>highShift)-uint32(pos)) < 0
}

// cancel gives up what is reserved: receivers skip it.
func (p *producer) cancel() {
	if p.reserved != 0 {
		p.commitShared(p.next, wordOf(skip, p.next, p.reserved))
	}
}

// commitShared commits what is reserved.
func (p *producer) commitShared(pos uint64, w word) {
	p.reserved = 0
	killpoint.Here("ring filled")
	p.publish(pos, w)
	killpoint.Here("ring committed")
	p.c.wakeReceivers()
}

// endDeadSenders makes records of dead senders ones to be skipped, if no living process is
// just doing that.
func (c *core) endDeadSenders() error {
	_, err := c.lock.TryDo(func() error {
		return c.eachReserved(c.endIfDead)
	})
	return err
}

// endIfDead makes the record at pos, whose word was w, one to be skipped if its sender is
// dead. The sender may have lived when the word was read, have committed the record, and
// have reserved the same cell a lap later before it died: then the word, which has no
// position, is the same again, and the cursor has passed pos.
func (c *core) endIfDead(pos uint64, w word) error {
	alive, err := c.isAlive(liveness.Holder(w.holder()))
	if err != nil || alive || int64(c.released()-pos) > 0 {
		return err
	}
	return c.endRecord(pos, w)
}

// isAlive reports whether a holder lives. One that can't be counts as dead.
func (c *core) isAlive(h liveness.Holder) (bool, error) {
	if h == liveness.None || c.o.Slots.Check(h) != nil {
		return false, nil
	}
	return c.o.Slots.Lives(h)
}

// endRecord finishes the record of a dead sender. It may be repeated.
func (c *core) endRecord(pos uint64, w word) error {
	n := w.size()
	if c.h.tail.Load() == pos {
		if c.made.variable() {
			c.cells.put(pos+n, wordOf(empty, pos+n, 0))
		}
		killpoint.Here("ring recovery cleared")
		c.h.tail.Store(pos + n)
		killpoint.Here("ring recovery moved")
	}
	if c.cells.swap(pos, w, wordOf(skip, pos, n)) {
		c.lock.Recoveries().Add(1)
		c.warn("a sender died before its message was sent; receivers skip it", "position", pos)
	}
	killpoint.Here("ring recovered")
	c.wakeReceivers()
	c.wakeSenders()
	return nil
}

// released returns the position up to which the only receiver has given records back.
func (c *core) released() uint64 { return c.lines[0].cursor.Load() >> cursorShift }

// eachReserved calls f with the records that are being written, from the oldest to the
// newest. The receiver may go on meanwhile, and senders overwrite what it has given back.
// A word of a record that is being written has no position, and therefore counts only if
// its cell belongs to one position from before the word was read until after: less than
// all cells after the cursor before, and not passed by the cursor after. Where the ring is
// exactly full, the cell after the newest record is the oldest one's.
func (c *core) eachReserved(f func(pos uint64, w word) error) error {
	pos := c.released()
	for range 4 * c.made.Cells {
		if int64(pos-c.released()) >= int64(c.made.Cells) {
			return nil
		}
		w := c.cells.load(pos)
		if now := c.released(); int64(now-pos) > 0 {
			pos = now
			continue
		}
		n := w.size()
		switch {
		case w.state() == writing:
			if n < 1 || n > c.made.Cells {
				return errDamaged
			}
			if err := f(pos, w); err != nil {
				return err
			}
			if c.h.tail.Load() == pos {
				return nil // what follows is not there yet
			}
		case !w.isAt(pos) || w.state() == empty:
			return nil
		default:
			var err error
			if n, err = c.length(w); err != nil {
				return err
			}
		}
		pos += n
	}
	return nil
}

// disown marks what past processes in this process's slot were writing as a dead process's.
// Every process in a slot does so, and therefore no word names a generation of the slot
// that comes round.
func (c *core) disown(me liveness.Holder) error {
	return c.eachReserved(func(pos uint64, w word) error {
		if liveness.Holder(w.holder()).SharesSlot(me) {
			c.cells.swap(pos, w, writingBy(uint32(liveness.Dead), w.size()))
		}
		return nil
	})
}
