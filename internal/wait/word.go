package wait

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Word is a 32-bit word in shared memory whose layout the caller defines. All
// methods may be called concurrently.
type Word struct {
	addr   *uint32
	system systemWord // what the system needs besides the address
	spin   spin

	calls  atomic.Int32  // of Wait that have not returned; below 0 from Close on
	left   chan struct{} // has an element when a Wait has returned since Close
	closed chan struct{} // closed by Close

	counter *atomic.Uint32 // in shared memory; see CountIn

	file      *os.File    // see WatchFile
	fileEvent atomic.Bool // an event of the file has come

	mu          sync.Mutex
	first, last *waiter // the waiters of this process; the first one leads
	queued      atomic.Int32
}

// closing is subtracted from Word.calls by Close.
const closing = 1 << 30

// NewWord is [NewGate] for a word of any layout.
func NewWord(addr *uint32, name Name) *Word {
	w := &Word{}
	w.init(addr, name, firstWordPause)
	return w
}

func (w *Word) init(addr *uint32, name Name, firstPause time.Duration) {
	w.addr = addr
	w.system.init(name)
	w.left = make(chan struct{}, 1)
	w.closed = make(chan struct{})
	w.spin.init(firstPause)
}

// Wait is [Gate.Wait] for a word whose waiters announce themselves in the way of
// its layout. try returns, besides what the try of a Gate does, the value of the
// word at which to park: whenever try could succeed the word must have another
// value. When try is called with [Park] or [Check] it announces the waiter; the
// caller takes that back after Wait has returned.
func (w *Word) Wait(ctx context.Context, try func(Phase) (old uint32, done bool, err error)) error {
	return w.wait(ctx, condition{word: try})
}

func (w *Word) wait(ctx context.Context, c condition) error {
	if !w.enter() {
		return os.ErrClosed
	}
	defer w.exit()
	if done, err := w.glance(c); done || err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	n := w.join()
	defer w.leave(n) // also when try panics on a fault
	// A waiter for a later change may have queued before; see the package's
	// overview.
	if _, done, err := w.try(c, Glance); done || err != nil {
		return err
	}
	if err := n.follow(ctx); err != nil {
		return err
	}
	return n.lead(ctx, c)
}

// WatchFile sets the file that every process that uses the object has open for
// writing until it dies. Where the system reports that a process closed the file,
// waiters that wait long check then, and otherwise less often.
//
// Preconditions:
//   - it is called before the first Wait;
//   - f stays open until Close has returned.
func (w *Word) WatchFile(f *os.File) { w.file = f }

// fileChanged makes the leading waiter check.
func (w *Word) fileChanged() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fileEvent.Store(true)
	switch n := w.first; {
	case n == nil:
	case n.ownThread != nil:
		n.ownThread.unpark()
	case n.sharedThread != nil:
		n.sharedThread.cancel(&n.entry)
	}
}

// CountIn has the waiters of this process counted in waiters, a word in shared
// memory, from when they have announced themselves until they leave. Those that
// spin are not counted. It is called before the first Wait.
func (w *Word) CountIn(waiters *atomic.Uint32) { w.counter = waiters }

// Wake wakes up to n waiters that are parked on the word, in any process, and
// returns how many it woke. It is a system call: find out first whether a waiter is
// parked. Where [Gate] says that a wake-up reaches all, so does this one.
func (w *Word) Wake(n int) int { return w.wake(n) }

// Close ends the waiters of this process with [os.ErrClosed], and returns when
// they have left. Waiters of other processes are not affected. Closing again does
// nothing. A try must not call it.
func (w *Word) Close() {
	w.mu.Lock()
	if !w.isClosed() {
		close(w.closed)
		w.calls.Add(-closing)
		if w.first != nil && w.first.ownThread != nil {
			w.first.ownThread.unpark()
		}
	}
	w.mu.Unlock()
	for w.calls.Load() != -closing {
		<-w.left
		w.signal() // for another Close
	}
	w.mu.Lock()
	w.system.close()
	w.mu.Unlock()
}

func (w *Word) isClosed() bool {
	select {
	case <-w.closed:
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
	n.entry.word, n.entry.woken = w, false
	w.queued.Add(1)
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

// leave takes n out of the queue. If n led, the next one leads, and tries for
// itself: it finds what n was woken for and has not taken.
func (w *Word) leave(n *waiter) {
	n.releaseOwnThread()
	n.unsubscribe()
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
	w.queued.Add(-1)
	n.uncount()
	n.before, n.after, n.entry.word = nil, nil, nil
	select {
	case <-n.promoted: // if it was cancelled
	default:
	}
	waiters.Put(n)
}
