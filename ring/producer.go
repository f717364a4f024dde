package ring

import (
	"context"
	"fmt"
	"math"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/release"
)

// producer is what a sender does, whatever it sends: it reserves cells, and commits the
// record that was written there. It is for one goroutine at a time.
//
// A record is there when its word says so, which is stored last. The word travels in the
// cache line of the message: the receiver looks at it, and at nothing else. If there is
// one sender, it alone writes words, and knows all positions by itself. (See
// producer_many.go for many.)
//
// In a ring of bytes the word after a record may be a part of an old message, and might
// look like a record. Then it is cleared before the record is committed; therefore that
// cell must be free as well.
type producer struct {
	c *core
	cells

	single   bool // no other process sends
	variable bool // each message has a size of its own
	size     int  // else: bytes of a message
	most     uint // bytes of a message

	quick    bool   // publishing by plain stores
	next     uint64 // position of the next record; with many senders, of the reserved one
	prepared uint64 // cells before it were fetched from the receiver; see prepare
	limit    uint64 // cells before it may be written without looking; 0 with many senders

	reserved uint64 // many senders: cells of the reserved record, 0: none is
	ticket   uint64 // of the right to send, if only one may
	closed   bool

	oldest uint64 // Broadcast: see extendBroadcast
	seen   uint64 // many senders: the receiver's cursor

	waiter  waiter
	need    uint64  // cells that are wanted
	pos     uint64  // where they are
	overdue overdue // receivers that are to be looked after
	got     bool    // they are there
	attempt func() error
}

var errHasSender = fmt.Errorf("it has a sender, whose process lives (%w)", os.ErrExist)

// begin makes p the sender, or one of many.
func (p *producer) begin(c *core) error {
	p.c, p.cells = c, c.cells
	p.single = Shape(c.made.Shape) != ManyToOne
	p.variable, p.size, p.most = c.made.variable(), int(c.made.Size), uint(c.made.maxMessage())
	if p.stride != release.Line {
		p.prepared = math.MaxUint64
	}
	p.waiter.init(c, c.room, p.look, func() *uint64 { return wordOfAtomic(&c.lines[0].cursor) })
	p.attempt = func() (err error) {
		p.got, err = p.look(false)
		return err
	}
	return c.o.Use(func() error {
		if err := c.checkRemoved(); err != nil || !p.single {
			return err
		}
		ticket, taken, err := takeOwner(&c.sender)
		if err == nil && !taken {
			err = errHasSender
		}
		if err != nil {
			return err
		}
		p.ticket = ticket
		if err = p.takeOver(); err != nil {
			c.sender.Give(ticket)
		}
		return err
	})
}

// takeOver finds where the sender before has stopped. It may have died after a record was
// there and before the tail said so, and after it has stored words of a batch and before
// the first one: these are cleared.
func (p *producer) takeOver() error {
	p.next, p.oldest = p.c.h.tail.Load(), p.c.h.oldest.Load()
	for range p.c.made.Cells {
		w := p.load(p.next)
		if !w.isAt(p.next) || w.state() == empty {
			break
		}
		n, err := p.c.length(w)
		if err != nil {
			return err
		}
		p.next += n
	}
	p.c.h.tail.Store(p.next)
	_, number := p.c.oldestRecord()
	p.c.h.number.Store(number)
	p.c.h.numberAgain.Store(number)
	p.limit = p.next
	if p.c.made.variable() {
		return nil
	}
	for pos := p.next; pos < p.next+p.c.made.Cells; pos++ {
		if w := p.load(pos); w.isAt(pos) && w.state() != empty {
			p.put(pos, wordOf(empty, pos, 0))
		}
	}
	return nil
}

// end gives up the right to send, and what is reserved.
func (p *producer) end() error {
	if p.closed {
		return nil
	}
	p.closed, p.limit = true, 0
	return p.c.o.Use(func() error {
		p.cancel()
		if p.single {
			p.c.sender.Give(p.ticket)
		}
		return nil
	})
}

// reserve finds n free cells, in a row where messages have a size each. It waits for them
// if it may. A record that was reserved before and not committed is given up.
func (p *producer) reserve(ctx context.Context, n uint64, mayWait bool) (pos uint64, ok bool, err error) {
	if p.closed {
		return 0, false, os.ErrClosed
	}
	p.need = n
	switch {
	case p.c.o.Direct:
		err = p.attempt()
	default:
		err = p.c.o.Use(p.attempt)
	}
	if err == nil && !p.got && mayWait {
		err = p.awaitRoom(ctx)
		p.got = err == nil
	}
	if err == nil && p.c.o.Closed() { // it may have looked at the zeros that Close leaves
		err = os.ErrClosed
	}
	return p.pos, p.got && err == nil, err
}

// awaitRoom waits for room. If it is for a large message, and one receiver makes it, the
// sender spins first, as the receiver does for the message. Room for small messages it waits
// for with the pauses of package wait: looking all the time would slow the receiver, which
// stores its position for each message.
func (p *producer) awaitRoom(ctx context.Context) error {
	const large = 64 << 10
	size := int(p.need * p.stride)
	if size < large || Shape(p.c.made.Shape) != OneToOne || p.c.set.Wait == WaitPark || !p.c.o.Direct {
		return p.waiter.wait(ctx, nil)
	}
	return p.waiter.spinThenPark(ctx, spinFor(size))
}

// look looks for room, and reserves it. Where gaps take it once around the ring, there is
// none: what receivers hold leaves too little in a row.
func (p *producer) look(check bool) (bool, error) {
	p.cancel()
	if !p.single {
		return p.lookShared(check)
	}
	ahead := p.c.ahead()
	for start := p.next; ; {
		pad := p.gap(p.next, p.need)
		want := p.need + ahead
		if pad > 0 {
			want = pad + ahead
		}
		if p.next+want > p.limit {
			again, err := p.extend(want, check)
			if !again || err != nil || p.next-start >= p.c.made.Cells {
				return false, err
			}
			continue
		}
		if pad == 0 {
			p.pos = p.next
			return true, nil
		}
		p.skipOver(pad)
	}
}

// gap returns how many cells are left before the end of the ring, if a record of n cells
// doesn't fit there, where it has to be in one piece.
func (p *producer) gap(pos, n uint64) uint64 {
	if off := pos & p.mask; p.c.made.variable() && off+n > p.c.made.Cells {
		return p.c.made.Cells - off
	}
	return 0
}

// extend looks how far the sender may write, and reports whether the caller should look
// again: it may write further than before.
func (p *producer) extend(want uint64, check bool) (again bool, err error) {
	p.quick = p.c.h.mayStorePlainly()
	if err := p.c.checkRemoved(); err != nil {
		return false, err
	}
	if Shape(p.c.made.Shape) == Broadcast {
		return p.extendBroadcast(want, check || p.overdue.at(p.next))
	}
	cells := p.c.made.Cells
	cursor := p.c.lines[0].cursor.Load() >> cursorShift
	if p.next-cursor > cells {
		return false, errDamaged
	}
	// Not as far as there is room, to learn from time to time what else has changed.
	p.limit = min(cursor+cells, p.next+max(cells/4, want))
	return p.next+want <= p.limit, nil
}

// skipOver makes the receivers go on n cells further.
func (p *producer) skipOver(n uint64) { p.commit(n, wordOf(skip, p.next, n)) }

// commitMessages commits n messages of a size, in as many cells; or one in n cells.
func (p *producer) commitMessages(n, size uint64) {
	p.quick = p.c.h.mayStorePlainly()
	if !p.variable {
		for i := n - 1; i > 0; i-- { // the first one last
			p.put(p.next+i, wordOf(ready, p.next+i, size))
		}
	}
	p.commit(n, wordOf(ready, p.next, size))
}

// clear has no receiver take the word at pos for one of a record. A word that says another
// position isn't: to load it costs nothing, while the line of one that is stored has to be
// fetched from the receiver, which may be looking there already.
//
// Precondition: there is one sender.
func (p *producer) clear(pos uint64) {
	if w := p.load(pos); w.state() == writing || w.state() != empty && w.isAt(pos) {
		p.put(pos, wordOf(empty, pos, 0))
	}
	killpoint.Here("ring cleared")
}

// commit commits the n reserved cells, as the word of their first one says.
func (p *producer) commit(n uint64, w word) {
	pos := p.next
	if !p.single {
		p.commitShared(pos, w)
		return
	}
	if p.variable {
		p.clear(pos + n)
	}
	killpoint.Here("ring filled")
	p.publish(pos, w)
	killpoint.Here("ring committed")
	storeRelease(&p.c.h.tail, pos+n)
	p.next = pos + n
	p.c.wakeReceivers()
}

// publish stores a word that others wait for.
func (p *producer) publish(pos uint64, w word) {
	if p.quick {
		p.put(pos, w)
	} else {
		p.store(pos, w)
	}
}

// sendSlowly is send, whatever the ring is.
func (p *producer) sendSlowly(pos uint64, size int) error {
	if p != nil && p.variable {
		return p.sendCells(pos, cellsOf(size), size)
	}
	return p.sendBatch(pos, 1)
}

// sendBatch commits n messages of one size that were written from pos on.
func (p *producer) sendBatch(pos, n uint64) error {
	if p == nil {
		return failSide(true, nil, breezeway.OpSend, nil)
	}
	return p.sendCells(pos, n, p.size)
}

// sendCells commits n messages of one size, or one message in n cells.
func (p *producer) sendCells(pos, n uint64, size int) error {
	if p.closed || pos != p.next || !p.single && p.reserved == 0 {
		return p.c.fail(breezeway.OpSend, errNoLoan)
	}
	p.c.o.Released()
	var err error
	if p.c.o.Direct {
		p.commitMessages(n, uint64(size))
	} else {
		err = p.c.o.Use(func() error { p.commitMessages(n, uint64(size)); return nil })
	}
	if err == nil && p.c.o.Closed() {
		err = os.ErrClosed
	}
	return p.c.fail(breezeway.OpSend, err)
}

var errNoLoan = fmt.Errorf("it is no loan any more: it was sent, or given up by a later loan or Close (%w)", os.ErrInvalid)
