package ring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// consumer is what a receiver does, whatever it receives. It is for one goroutine at a
// time.
//
// It looks where the next record will be, and at nothing else. Its own position it stores
// in its line, which costs next to nothing as long as the sender doesn't look at it. The
// sender looks when it has used up the room that it knew of.
type consumer struct {
	c *core
	cells

	fast     bool // the memory may be touched without protection, and nothing is held
	quick    bool // publishing by plain stores
	holds    bool // the sender may overwrite what isn't held: see consumer_hold.go
	variable bool // each message has a size of its own
	most     int  // bytes of a message
	line     *line

	want, wantBits word // the word of a message at position 0; which of its bits are known

	next       uint64 // position of the next record
	last       uint64 // position after the last record that was received
	released   uint64 // position after the last record that was given back
	redelivery uint64 // records before it were received by a process that died
	found      word   // of the record at next, after look
	number     uint64 // of messages before next, where some may be skipped
	skipped    uint64
	ticket     uint64
	owner      *robust.Owner
	closed     bool

	size    int     // bytes of the message that was received last
	overdue overdue // senders that are to be looked after

	waiter  waiter
	attempt func() error
	got     bool
}

var (
	errHasReceiver   = fmt.Errorf("it has a receiver, whose process lives (%w)", os.ErrExist)
	errTooManyOfThem = fmt.Errorf("it has as many receivers as it can have (%w)", breezeway.ErrTooLarge)
)

// ErrDisconnected is returned by Receive of a receiver that was too slow, where the ring
// disconnects such receivers. Close it, and make another one.
var ErrDisconnected = errors.New("the receiver was too slow, and the ring disconnects slow receivers; close it and make another one")

// begin makes k a receiver.
func (k *consumer) begin(c *core) error {
	k.c, k.cells = c, c.cells
	broadcast := Shape(c.made.Shape) == Broadcast
	k.holds = broadcast && Slow(c.made.Slow) != SlowBlock
	k.fast = c.o.Direct && !k.holds
	k.variable, k.most = c.made.variable(), c.made.maxMessage()
	k.want, k.wantBits = wordOf(ready, 0, uint64(c.made.Size)), ^word(0)
	if k.variable {
		k.wantBits &^= sizeMask << sizeShift
	}
	k.waiter.init(c, c.arrived, k.look, func() *uint64 { return k.at(k.next) })
	k.attempt = func() (err error) {
		k.got, err = k.look(false)
		return err
	}
	return c.o.Use(func() error {
		if err := c.checkRemoved(); err != nil {
			return err
		}
		for i := range c.lines {
			owner := &c.owners[i]
			ticket, taken, err := takeOwner(owner)
			if err != nil {
				return err
			}
			if taken {
				k.owner, k.ticket, k.line = owner, ticket, &c.lines[i]
				killpoint.Here("ring line taken")
				if broadcast {
					return k.startLate()
				}
				k.goOn()
				return nil
			}
		}
		if broadcast {
			return errTooManyOfThem
		}
		return errHasReceiver
	})
}

// takeOwner takes a word for this process, if it has no living holder.
func takeOwner(o *robust.Owner) (ticket uint64, taken bool, err error) {
	ticket, how, err := o.Take(0, true)
	return ticket, err == nil && how != robust.Busy, err
}

// goOn continues where the receiver before has stopped.
func (k *consumer) goOn() {
	k.moveTo(k.line.cursor.Load() >> cursorShift)
	if taken := k.line.taken.Load(); taken-k.next <= k.c.made.Cells {
		k.redelivery = taken
	}
}

// moveTo makes pos the position of the next record.
//
// Precondition: all that was received was given back.
func (k *consumer) moveTo(pos uint64) { k.next, k.last, k.released = pos, pos, pos }

// startLate begins among other receivers. See extendBroadcast for the order.
func (k *consumer) startLate() error {
	const tries = 10_000 // overtaken by the sender
	k.line.skipped.Store(0)
	for range tries {
		pos, number := k.c.oldestRecord()
		if k.c.set.Start == StartNewest {
			pos, number = k.newest(pos, number)
		}
		k.line.cursor.Store(pos << cursorShift)
		killpoint.Here("ring receiver comes")
		k.line.taken.Store(pos) // counts only with isHeld, which a dead receiver may have left
		killpoint.Here("ring receiver placed")
		if int64(k.c.h.oldest.Load()-pos) <= 0 {
			k.moveTo(pos)
			k.number = number
			return nil
		}
	}
	k.owner.Give(k.ticket)
	return errDamaged
}

// newest returns the position after the last record, and how many messages are before it.
// pos is that of a record that may be overwritten meanwhile.
func (k *consumer) newest(pos, number uint64) (uint64, uint64) {
	tail := k.c.h.tail.Load()
	for range k.c.made.Cells {
		w := k.load(pos)
		if int64(tail-pos) <= 0 || !w.isAt(pos) || w.state() == empty {
			break
		}
		n, err := k.c.length(w)
		if err != nil {
			break
		}
		if w.state() == ready {
			number++
		}
		pos += n
	}
	return pos, number
}

// end gives up the right to receive. What was received and not given back is received
// again by the next receiver.
func (k *consumer) end() error {
	if k.closed {
		return nil
	}
	k.closed, k.fast = true, false
	return k.c.o.Use(func() error {
		if k.holds {
			k.unhold(k.next)
		}
		k.owner.Give(k.ticket)
		k.c.wakeSenders()
		return nil
	})
}

// look looks for the record at next, which may be several positions on.
func (k *consumer) look(check bool) (bool, error) {
	if k.holds {
		return k.lookAndHold()
	}
	for range k.c.made.Cells + 1 {
		w := k.load(k.next)
		if !w.isAt(k.next) || w.state() == empty {
			if err := k.checkStuck(w, check); err == nil || k.load(k.next) == w {
				return false, err
			}
			continue // it was sent before the ring was removed
		}
		n, err := k.c.length(w)
		if err != nil {
			return false, err
		}
		if w.state() == ready {
			k.found = w
			return true, nil
		}
		if k.next += n; k.released == k.next-n {
			k.moveTo(k.next)
			k.publish()
		}
	}
	return false, errDamaged
}

// checkStuck looks after what no wake-up announces, where there is no record yet. Whether
// senders live it asks with check, and without if the same record has been in the way for
// some time: spinning and polling receivers never check.
func (k *consumer) checkStuck(w word, check bool) error {
	if check {
		k.quick = k.c.h.mayStorePlainly()
	}
	if w.state() == writing && (check || k.overdue.at(k.next)) {
		if err := k.c.endDeadSenders(); err != nil {
			return err
		}
	}
	return k.c.checkRemoved()
}

// publish says how far this receiver has got.
func (k *consumer) publish() {
	if v := k.released << cursorShift; k.quick {
		storeRelease(&k.line.cursor, v)
	} else {
		k.line.cursor.Store(v)
	}
	killpoint.Here("ring released")
	k.c.wakeSenders()
}

// take is the rest of receiving, after look has found a record: it returns where the record
// before has ended, and the size of the message at pos.
func (k *consumer) take() (from, pos uint64, size int) {
	from, pos, size = k.last, k.next, int(k.found.size())
	k.size = size
	k.next += k.c.cellsFor(size)
	k.last = k.next
	k.number++
	k.storeTaken()
	killpoint.Here("ring taken")
	k.c.o.Acquired()
	return from, pos, size
}

// takeMore takes up to n more records, which have a cell each and are there already. It
// returns how many.
func (k *consumer) takeMore(n int) (taken int) {
	more := func() error {
		next := k.next
		for n > 0 {
			w := k.load(next)
			if !w.isAt(next) || w.state() != ready || w.size() != uint64(k.c.made.Size) {
				break
			}
			next, n, taken = next+1, n-1, taken+1
		}
		return nil
	}
	if k.holds || k.c.o.Use(more) != nil {
		return 0
	}
	k.next += uint64(taken)
	k.last = k.next
	k.storeTaken()
	k.c.o.Acquired()
	return taken
}

// storeTaken says what was received: also by the process before, after whose last record
// there may be a second death before this one has got that far.
func (k *consumer) storeTaken() {
	if k.next > k.redelivery {
		storeRelease(&k.line.taken, k.next)
	}
}

// receive waits for a record, if it may.
func (k *consumer) receive(ctx context.Context, mayWait bool) (ok bool, err error) {
	if k.closed {
		return false, os.ErrClosed
	}
	if k.holds && k.released != k.next {
		return false, errHolding
	}
	if ok, err = k.tryReceive(); ok || err != nil || !mayWait {
		return ok, err
	}
	switch k.c.set.Wait {
	case WaitSpin:
		err = k.spinOn(ctx)
	case WaitPark:
		err = k.waiter.wait(ctx, nil)
	default:
		err = k.awaitChange(ctx)
	}
	return err == nil, err
}

// awaitChange spins, and then waits.
func (k *consumer) awaitChange(ctx context.Context) error {
	if !k.c.o.Direct {
		return k.waiter.wait(ctx, nil)
	}
	return k.waiter.spinThenPark(ctx, spinFor(k.size))
}

// spinOn spins for as long as it takes.
func (k *consumer) spinOn(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !k.c.o.Direct {
			if ok, err := k.tryReceive(); ok || err != nil {
				return err
			}
			yield()
			continue
		}
		p := k.at(k.next)
		old := word(atomic.LoadUint64(p)) // before the attempt, which may find what comes now
		if ok, err := k.tryReceive(); ok || err != nil {
			return err
		}
		if !k.waiter.spin(p, old, sys.Clock()+maxSpin) {
			yield()
		}
	}
}

// tryReceive looks once.
func (k *consumer) tryReceive() (bool, error) {
	var err error
	if k.c.o.Direct {
		err = k.attempt()
	} else {
		err = k.c.o.Use(k.attempt)
	}
	if err == nil && !k.got && k.c.o.Closed() {
		err = os.ErrClosed
	}
	return k.got && err == nil, err
}

// releaseSlowly is release, whatever the ring is.
func (k *consumer) releaseSlowly(from, to uint64) error {
	if k == nil {
		return failSide(true, nil, breezeway.OpRelease, nil)
	}
	err := errNoSample
	if !k.closed && from == k.released && from != to {
		k.released = to
		if to == k.last { // what was passed since then had no sample
			k.moveTo(k.next)
		}
		k.c.o.Released()
		if k.c.o.Direct {
			err = k.giveBack()
		} else {
			err = k.c.o.Use(k.giveBack)
		}
	}
	if err == nil && k.c.o.Closed() {
		err = os.ErrClosed
	}
	return k.c.fail(breezeway.OpRelease, err)
}

func (k *consumer) giveBack() error {
	if k.holds {
		k.unhold(k.released)
		return nil
	}
	k.quick = k.c.h.mayStorePlainly()
	k.publish()
	return nil
}

var (
	errNoSample = fmt.Errorf("it is no sample any more, or an older one was not released; release samples once, in the order in which they were received (%w)", os.ErrInvalid)
	errHolding  = fmt.Errorf("release the sample before you receive the next one: in this ring a receiver has one sample or batch at a time (%w)", os.ErrInvalid)
)
