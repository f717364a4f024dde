package shmnet

import (
	"fmt"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
)

// outbound is the writer's end of a ring. Positions are private; what the other process
// says is read once, checked against them, and used only then. The caller holds the
// lock of the connection's writing side.
type outbound struct {
	control
	pages pages
	data  []byte
	mask  uint64
	pos   uint64 // bytes written
	seen  uint64 // bytes that the reader was seen to have read
}

func makeOutbound(c control, data []byte) outbound {
	return outbound{control: c, pages: pagesOf(data), data: data, mask: uint64(len(data)) - 1}
}

// room returns how many bytes can be written without waiting. It looks at the other
// process's progress only if the last look showed less than want.
func (o *outbound) room(want int) (int, error) {
	if room := o.size() - (o.pos - o.seen); room >= uint64(want) {
		return int(room), nil
	}
	return o.look()
}

// look is room that looks in any case.
func (o *outbound) look() (int, error) {
	read := atomic.LoadUint64(o.read)
	if read-o.seen > o.pos-o.seen {
		return 0, fmt.Errorf("the other side says that it has read %d bytes of %d (%w)", read, o.pos, breezeway.ErrMismatch)
	}
	o.seen = read
	return int(o.size() - (o.pos - read)), nil
}

// changed reports whether look may have news. It trusts nothing.
func (o *outbound) changed() bool { return atomic.LoadUint64(o.read) != o.seen }

func (o *outbound) size() uint64 { return o.mask + 1 }

// free returns the next bytes to be written, up to the end of the ring.
func (o *outbound) free(room int) []byte {
	from := o.pos & o.mask
	return o.data[from:min(from+uint64(room), o.size())]
}

// put copies as much of p as there is room for, and doesn't publish it.
func (o *outbound) put(p []byte, room int) int {
	p = p[:min(len(p), room)]
	n := copy(o.free(room), p)
	return n + copy(o.data, p[n:])
}

// publish makes n bytes more visible to the reader, and reports whether it is parked
// and has to be woken. It fails, and publishes nothing, if end came before, or the other
// process has changed the word: nothing may follow an end that the reader may have seen.
//
// No reader sleeps through them, because sync/atomic is sequentially consistent:
//
//	writer:  exchange written; load readerParked
//	reader:  exchange readerParked; load written; park
//
// If the writer's load finds 0, it came before the reader's exchange, so that the reader's
// load comes after the writer's and finds the bytes. docs/models/shmnet.pml checks
// it with store buffers. Both exchange, also where nothing needs the old value: under the
// race detector Store is only a release in memory that is not Go's, which a load overtakes.
func (o *outbound) publish(n int) (wake, ok bool) {
	if !atomic.CompareAndSwapUint64(o.written, o.pos, o.pos+uint64(n)) {
		return false, false
	}
	o.pos += uint64(n)
	return o.readerWaits(), true
}

// end says that no more will be written, and reports whether the reader has to be woken.
// It needs no lock.
func (o *outbound) end() (wake bool) {
	atomic.OrUint64(o.written, endedBit)
	return o.readerWaits()
}

// readerWaits takes the reader's announcement, so that one change rings once.
func (o *outbound) readerWaits() bool {
	return atomic.LoadUint32(o.readerParked) != 0 && atomic.SwapUint32(o.readerParked, 0) != 0
}

// announce says that the writer parks until there is room for want bytes.
func (o *outbound) announce(want int) { atomic.SwapUint32(o.roomWant, uint32(want)) }

// withdraw takes the announcement back. A bell may be on its way all the same.
func (o *outbound) withdraw() { atomic.StoreUint32(o.roomWant, 0) }
