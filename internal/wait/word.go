package wait

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
)

// Word is a 32-bit word in shared memory whose layout the caller defines. All
// methods may be called concurrently.
type Word struct {
	addr   *uint32
	object object // what the system needs besides the address
	spin   spin

	calls atomic.Int32  // Waits under way; below 0 from Close on
	left  chan struct{} // has an element when a Wait has ended since Close
	shut  chan struct{} // closed by Close

	waiters *atomic.Uint32 // in shared memory; see CountIn

	file   *os.File    // see WatchFile
	nudged atomic.Bool // something has happened to the file

	mu          sync.Mutex
	first, last *waiter // who waits here, in this process; the first one leads
	parked      atomic.Int32
}

// closing is subtracted from Word.calls by Close.
const closing = 1 << 30

// NewWord is [NewGate] for a word of any layout.
func NewWord(addr *uint32, name Name) *Word {
	w := &Word{}
	w.init(addr, name)
	return w
}

func (w *Word) init(addr *uint32, name Name) {
	w.addr = addr
	w.object.init(name)
	w.left = make(chan struct{}, 1)
	w.shut = make(chan struct{})
	w.spin.init()
}

// Wait is [Gate.Wait] for a word whose waiters announce themselves in their own
// way. look returns, besides what try does, the value of the word at which to
// sleep: whenever look could succeed the word must have another value. Once
// called with [Park] or [Check] it has announced the waiter; taking that back is
// the caller's, after Wait has returned.
func (w *Word) Wait(ctx context.Context, look func(Phase) (old uint32, done bool, err error)) error {
	if !w.enter() {
		return os.ErrClosed
	}
	defer w.exit()
	if done, err := w.glance(look); done || err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	n := w.join()
	defer w.leave(n) // also when look panics on a fault
	// Who waits for a later change may have queued before; see the package's
	// overview.
	if _, done, err := look(Glance); done || err != nil {
		return err
	}
	if err := n.queue(ctx); err != nil {
		return err
	}
	return n.lead(ctx, look)
}

// WatchFile names the file that everybody who uses the object has open for writing
// until he dies. Where the system tells that somebody closed it, those who wait long
// look at once then, and otherwise less often. It is called before the first Wait;
// f stays open until Close has returned.
func (w *Word) WatchFile(f *os.File) { w.file = f }

// CountIn has those of this process who wait, spinning apart, counted in waiters:
// once they have announced themselves, and until they leave. It is called before
// the first Wait.
func (w *Word) CountIn(waiters *atomic.Uint32) { w.waiters = waiters }

// Wake wakes up to n of those who sleep on the word, in any process, and returns
// how many these were. It is a system call; see whether somebody is parked
// first. Where [Gate] says that a wake reaches all, so does this one.
func (w *Word) Wake(n int) int { return w.wake(n) }

// Close ends the waiters of this process with [os.ErrClosed], and returns when
// they have left. Other processes notice nothing. Closing twice is fine. It must
// not be called by a look.
func (w *Word) Close() {
	w.mu.Lock()
	if !w.isShut() {
		close(w.shut)
		w.calls.Add(-closing)
		if w.first != nil && w.first.seat != nil {
			w.first.seat.ring()
		}
	}
	w.mu.Unlock()
	for w.calls.Load() != -closing {
		<-w.left
		w.signal() // for another Close
	}
	w.mu.Lock()
	w.object.close()
	w.mu.Unlock()
}

func (w *Word) isShut() bool {
	select {
	case <-w.shut:
		return true
	default:
		return false
	}
}

func (w *Word) enter() bool {
	if w.calls.Add(1) > 0 {
		return true
	}
	w.exit()
	return false
}

func (w *Word) exit() {
	if w.calls.Add(-1) < 0 {
		w.signal()
	}
}

func (w *Word) signal() {
	select {
	case w.left <- struct{}{}:
	default:
	}
}

// join puts a waiter at the end of the queue.
func (w *Word) join() *waiter {
	n := waiters.Get().(*waiter)
	n.arm.word, n.arm.woken = w, false
	w.parked.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if n.before = w.last; n.before != nil {
		n.before.after = n
	} else {
		w.first = n
		n.promoted <- struct{}{}
	}
	w.last = n
	return n
}

// leave takes n out of the queue. If it led, the next one leads, and looks for
// itself: whatever n was woken for and has not taken is seen by it.
func (w *Word) leave(n *waiter) {
	n.getUp()
	if n.watching {
		n.watching = false
		w.unwatch(n.as)
	}
	w.mu.Lock()
	if n.before != nil {
		n.before.after = n.after
	} else if w.first = n.after; w.first != nil {
		// Under the lock, so that it can't reach a waiter that has left.
		w.first.promoted <- struct{}{}
	}
	if n.after != nil {
		n.after.before = n.before
	} else {
		w.last = n.before
	}
	w.mu.Unlock()
	w.parked.Add(-1)
	n.uncount()
	n.before, n.after, n.arm.word = nil, nil, nil
	select {
	case <-n.promoted: // when it was cancelled
	default:
	}
	waiters.Put(n)
}
