package shmnet

import (
	"fmt"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
)

// inbound is the reader's end of a ring; see [outbound]. The caller holds the lock of the
// connection's reading side.
type inbound struct {
	control
	pages pages
	data  []byte
	mask  uint64
	pos   uint64 // bytes read
	seen  uint64 // bytes that the writer was seen to have written
}

func makeInbound(c control, data []byte) inbound {
	return inbound{control: c, pages: pagesOf(data), data: data, mask: uint64(len(data)) - 1}
}

// available returns how many bytes can be read without waiting. If there are none it
// looks, and reports whether the writer has ended.
func (i *inbound) available() (n int, ended bool, err error) {
	if i.seen != i.pos {
		return int(i.seen - i.pos), false, nil
	}
	written := atomic.LoadUint64(i.written)
	ended, written = written&endedBit != 0, written&^endedBit
	if n := written - i.pos; n > i.mask+1 {
		return 0, false, fmt.Errorf("the other side says that it has written %d bytes, of which %d were read, into a ring of %d (%w)",
			written, i.pos, i.mask+1, breezeway.ErrMismatch)
	}
	i.seen = written
	return int(written - i.pos), ended && written == i.pos, nil
}

// changed reports whether available may have news. It trusts nothing.
func (i *inbound) changed() bool { return atomic.LoadUint64(i.written) != i.pos }

// filled returns the next bytes to be read, up to the end of the ring.
func (i *inbound) filled(available int) []byte {
	from := i.pos & i.mask
	return i.data[from:min(from+uint64(available), i.mask+1)]
}

// get copies bytes to p, and doesn't free them.
func (i *inbound) get(p []byte, available int) int {
	p = p[:min(len(p), available)]
	n := copy(p, i.filled(available))
	return n + copy(p[n:], i.data)
}

// free gives n bytes back to the writer, and reports whether it is parked and has now
// the room that it waits for. It is sequentially consistent as [outbound.publish] is.
func (i *inbound) free(n int) (wake bool) {
	i.pos += uint64(n)
	atomic.SwapUint64(i.read, i.pos)
	want := atomic.LoadUint32(i.roomWant)
	if want == 0 {
		return false
	}
	// What the writer has written since is not known, so that this may be too much room:
	// it looks for itself, and announces itself again. It never is too little.
	room := i.mask + 1 - (i.seen - i.pos)
	return uint64(want) <= room && atomic.SwapUint32(i.roomWant, 0) != 0
}

// announce says that the reader parks.
func (i *inbound) announce() { atomic.SwapUint32(i.readerParked, 1) }

// withdraw takes the announcement back. A bell may be on its way all the same.
func (i *inbound) withdraw() { atomic.StoreUint32(i.readerParked, 0) }
