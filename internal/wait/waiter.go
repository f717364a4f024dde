package wait

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/internal/watch"
)

// A waiter checks at least every shortCheck. All waiters do so at the same moments,
// since waking an idle process costs most: a bare system call in a loop of ten times
// a second costs a Go process 1.4 ms of processor time, much of it for the runtime's
// own thread.
//
// A waiter that has waited for longWait subscribes to file-close events instead, and
// checks only every longCheck. That covers what no event reports: a process of
// another language that was killed when it had just been woken. After an event,
// which comes a moment before the kernel releases the locks of a dead process, it
// checks at once, after lockRelease, and then again every shortCheck.
const (
	shortCheck  = 100 * time.Millisecond
	longWait    = 500 * time.Millisecond
	longCheck   = 500 * time.Millisecond
	lockRelease = 5 * time.Millisecond
)

// waiter is a call of [Word.Wait] that spinning didn't satisfy.
type waiter struct {
	before, after *waiter
	promoted      chan struct{} // has an element once it leads

	entry        waitEntry
	entries      [1]*waitEntry       // points to entry
	counted      bool                // in Word.counter
	subscription *watch.Subscription // to events of the word's file
	ownThread    parker              // nil if it has none; set under Word.mu
	sharedThread *sharedThread       // that has the entry; set under Word.mu
	stop         func() bool         // ends the context's watch over ownThread
}

var waiters = sync.Pool{New: func() any {
	n := &waiter{promoted: make(chan struct{}, 1)}
	n.entry.returned = make(chan struct{}, 1)
	n.entries[0] = &n.entry
	return n
}}

// follow waits until n leads.
func (n *waiter) follow(ctx context.Context) error {
	select {
	case <-n.promoted:
		return nil
	default:
	}
	n.count()
	select {
	case <-n.promoted:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-n.entry.word.closed:
		return os.ErrClosed
	}
}

// lead tries and parks in turn.
func (n *waiter) lead(ctx context.Context, c condition) error {
	w := n.entry.word
	w.mu.Lock()
	err := w.system.open()
	w.mu.Unlock()
	if err != nil {
		return err
	}
	var check time.Duration
	every, quiet := shortCheck, sys.Clock() // quiet is since when no event has come
	for {
		phase := Park
		now := sys.Clock()
		fileEvent := w.fileEvent.Swap(false)
		switch {
		case fileEvent:
			quiet, every = now, shortCheck
		case every == shortCheck && now-quiet >= longWait && n.subscribe():
			every, check = longCheck, now // for what happened before
		}
		if fileEvent || now >= check {
			phase, check = Check, now.Truncate(every)+every
		}
		if fileEvent {
			check = min(check, now+lockRelease)
		}
		old, done, err := w.try(c, phase)
		if err != nil && n.entry.woken {
			w.Wake(1) // another waiter may succeed
		}
		if done || err != nil {
			return err
		}
		// What unparks n at the end of ctx may have been used up by a wake-up that
		// came with it.
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n.count()
		if err := n.park(ctx, old, check); err != nil {
			return err
		}
	}
}

// subscribe reports whether n is subscribed to file-close events from now on.
func (n *waiter) subscribe() bool {
	w := n.entry.word
	if n.subscription == nil && w.file != nil {
		n.subscription, _ = watch.File(w.file, w.fileChanged)
	}
	return n.subscription != nil
}

func (n *waiter) unsubscribe() {
	n.subscription.Cancel()
	n.subscription = nil
}

func (n *waiter) count() {
	if counter := n.entry.word.counter; counter != nil && !n.counted {
		n.counted = true
		counter.Add(1)
	}
}

func (n *waiter) uncount() {
	if n.counted {
		n.counted = false
		n.entry.word.counter.Add(^uint32(0))
	}
}

// park returns nil when it is time to try again: always if a wake-up was spent on
// n.
func (n *waiter) park(ctx context.Context, old uint32, until time.Duration) error {
	w := n.entry.word
	n.entry.old, n.entry.until, n.entry.woken = old, until, false
	if n.ownThread == nil {
		if err := n.takeOwnThread(ctx); err != nil {
			return err
		}
	}
	var err error
	switch {
	// Read after ownThread was set, which Close and fileChanged unpark.
	case w.isClosed(), w.fileEvent.Load():
	case n.ownThread != nil:
		err = n.ownThread.park(n.entries[:], max(0, until-sys.Clock()))
	default:
		err = n.parkShared(ctx)
	}
	switch {
	case n.entry.woken:
		return nil
	case err != nil:
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case w.isClosed():
		return os.ErrClosed
	}
	return nil
}

// takeOwnThread takes an own thread if one is free. n keeps it until it leaves.
func (n *waiter) takeOwnThread(ctx context.Context) error {
	thread, err := takeOwnThread()
	if thread == nil {
		return err
	}
	w := n.entry.word
	w.mu.Lock()
	n.ownThread = thread
	w.mu.Unlock()
	if ctx.Done() != nil {
		// This may come late, when another waiter has the thread: that one tries,
		// and parks again.
		n.stop = context.AfterFunc(ctx, thread.unpark)
	}
	return nil
}

func (n *waiter) releaseOwnThread() {
	if n.ownThread == nil {
		return
	}
	if n.stop != nil {
		n.stop()
		n.stop = nil
	}
	w := n.entry.word
	w.mu.Lock()
	thread := n.ownThread
	n.ownThread = nil
	w.mu.Unlock()
	releaseOwnThread(thread)
}

// parkShared parks on a shared thread. When it returns, the thread has returned the
// entry, so that no wake-up can reach it unseen.
func (n *waiter) parkShared(ctx context.Context) error {
	s, err := parkShared(&n.entry)
	if err != nil {
		return err
	}
	n.setSharedThread(s)
	defer n.setSharedThread(nil)
	if n.entry.word.fileEvent.Load() { // it came before the thread was set
		s.cancel(&n.entry)
	}
	select {
	case <-n.entry.returned:
		return nil
	case <-ctx.Done():
	case <-n.entry.word.closed:
	}
	s.cancel(&n.entry)
	<-n.entry.returned
	return nil
}

func (n *waiter) setSharedThread(s *sharedThread) {
	w := n.entry.word
	w.mu.Lock()
	n.sharedThread = s
	w.mu.Unlock()
}
