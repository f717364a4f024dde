package worker

import (
	"sync"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/barrier"
)

// feed is the batch that is being filled. The goroutine that reads the inputs adds to it
// without a lock; one that has nothing to do may steal what is there, since the next input
// may be long in coming.
//
//	reader:  store filled; load state
//	stealer: store state;  load filled
//
// Both are sequentially consistent: either the reader's store is, or the stealer has a
// fence performed in between, see package barrier. If the stealer doesn't see an input, the
// reader sees that the batch was stolen, and learns under the lock that this input was not.
type feed[In, Out any] struct {
	room   []In   // of the batch, or nil; the reader's
	filled uint64 // inputs in it
	state  atomic.Int32

	mu     sync.Mutex
	b      *batch[In, Out] // nil if there is none
	stolen int             // how many inputs of the last one that was stolen were
}

// The states of a feed. The reader of inputs resets a theft.
const (
	feedQuiet = iota
	feedStolen
	feedStopped
)

// begin makes b the batch that is being filled.
func (f *feed[In, Out]) begin(b *batch[In, Out]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	atomic.StoreUint64(&f.filled, 0)
	f.b, f.room = b, b.room
}

// steal takes the batch that is being filled, calls sent with it, and returns it. It
// returns nil if there is none, or nothing in it yet: then it is worth trying again.
func (f *feed[In, Out]) steal(sent func(*batch[In, Out])) (b *batch[In, Out], again bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.b == nil || !f.state.CompareAndSwap(feedQuiet, feedStolen) {
		return nil, false
	}
	if barrier.Reached() && barrier.InAll() != nil {
		f.state.CompareAndSwap(feedStolen, feedQuiet)
		return nil, true
	}
	f.stolen = int(atomic.LoadUint64(&f.filled))
	if f.stolen == 0 {
		f.state.CompareAndSwap(feedStolen, feedQuiet)
		return nil, true
	}
	b, f.b = f.b, nil
	b.ins = b.room[:f.stolen]
	sent(b)
	return b, false
}

// interrupt ends the reading of inputs.
func (f *feed[In, Out]) interrupt() { f.state.Store(feedStopped) }

// finish ends the filling of the batch, calls sent with it, and returns it; nil if it was
// stolen, or if there is none.
func (f *feed[In, Out]) finish(sent func(*batch[In, Out])) *batch[In, Out] {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.b
	if b != nil {
		b.ins = b.room[:f.filled]
		f.b = nil
		sent(b)
	}
	f.room, f.filled = nil, 0
	return b
}

// settle notes a theft of the batch for the reader, and reports whether the last input was
// not stolen; or that the reading ends.
func (f *feed[In, Out]) settle() (left, stopped bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.state.Load() {
	case feedStopped:
		f.room, f.filled = nil, 0
		return false, true
	case feedStolen:
		f.state.CompareAndSwap(feedStolen, feedQuiet)
		left = uint64(f.stolen) < f.filled
		f.room, f.filled = nil, 0
	}
	return left, false
}
