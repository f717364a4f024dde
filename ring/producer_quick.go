package ring

import (
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// send commits the message that was written to the loan at pos: of size bytes, where each
// message has a size of its own. What it does here, it does nearly always: the sender is
// the only one, and publishes by plain stores. All else is in producer.go.
func (p *producer) send(pos uint64, size int) error {
	if p == nil || !p.single || !p.quick || p.c.h.isStrict() || pos != p.next || pos >= p.limit {
		return p.sendSlowly(pos, size)
	}
	// What commit does. The stores are in that order, and none waits until other processors
	// have seen it.
	p.c.o.Released()
	next := pos + 1
	if p.variable {
		next = pos + cellsOf(size)
		p.clear(next)
	} else {
		size = p.size
	}
	killpoint.Here("ring filled")
	p.put(pos, wordOf(ready, pos, uint64(size)))
	killpoint.Here("ring committed")
	storeRelease(&p.c.h.tail, next)
	p.next = next
	if wait.MayPark(atomic.LoadUint32(&p.c.h.arrived)) {
		p.c.wakeReceivers()
	}
	if next >= p.prepared {
		p.prepare()
	}
	if p.c.o.Closed() {
		return p.c.fail(breezeway.OpSend, errNoLoan)
	}
	return nil
}

// prepare gets the lines of the next messages from the receiver, where a cell is a line. See
// [release.Prepare]. What the receiver has not given back it leaves alone.
func (p *producer) prepare() {
	const most = 8
	if n := min(most, p.limit-p.next, p.mask+1-p.next&p.mask); n > 0 {
		p.prepared = p.next + n
		p.cells.prepare(p.next, n)
	}
}
