package shmnet

import (
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/barrier"
	"github.com/breezeway-ipc/breezeway/internal/release"
)

// turn is a lock whose waiters can leave: a Read that waits for another Read heeds its
// deadline and Close as that one does.
type turn struct {
	taken   uint64 // 1 if it is
	waiting atomic.Int32
	freed   chan struct{} // holds one element if a waiter may find the lock free
	over    chan struct{} // holds one element if a waiter may have to leave
}

func (t *turn) init() {
	t.freed = make(chan struct{}, 1)
	t.over = make(chan struct{}, 1)
}

// try takes the lock if it is free.
func (t *turn) try() bool { return atomic.CompareAndSwapUint64(&t.taken, 0, 1) }

// take waits for the lock until leave returns an error, which it is asked for after
// [turn.interrupt], and when done is closed. With leave nil it waits whatever happens.
//
// No waiter sleeps through the end of a call:
//
//	waiter:  count itself; [fenceTurns]; try; sleep     give:  free the lock; load the count
//
// If the load finds no waiter, it came before the fence, and so did the store, which the
// waiter then sees. docs/models/shmnetturn.pml checks it with store buffers.
func (t *turn) take(done <-chan struct{}, leave func() error) error {
	if t.try() {
		return nil
	}
	t.waiting.Add(1)
	defer t.waiting.Add(-1)
	over := t.over
	if leave == nil {
		over, leave = nil, func() error { return nil } // what interrupts is for those that leave
	}
	var again <-chan time.Time
	for !t.tryFenced(&again) {
		if err := leave(); err != nil {
			t.notify()    // the next one may have been meant
			t.interrupt() // or have to leave as well
			return err
		}
		select {
		case <-t.freed:
		case <-over:
		case <-done:
		case <-again:
		}
	}
	return nil
}

// tryFenced tries after a fence. If the process may not have one performed, which it
// could when it began, the next try has to come by itself.
func (t *turn) tryFenced(again *<-chan time.Time) bool {
	if fenceTurns() != nil {
		*again = time.After(100 * time.Millisecond)
	}
	return t.try()
}

// fenceTurns makes up for the fence that give lacks: turns that were given before are
// seen to be free, and what was stored before is seen by calls that give theirs later.
func fenceTurns() error {
	if !plainly || !barrier.Reached() {
		return nil
	}
	return barrier.InAll()
}

// give frees the lock by a plain store where [fenceTurns] makes up for that: an atomic
// one takes as long as the rest of a call. What is loaded next may be older than the store.
func (t *turn) give() {
	if plainly && barrier.Reached() {
		release.Store(&t.taken, 0)
	} else {
		atomic.StoreUint64(&t.taken, 0)
	}
	if t.waiting.Load() > 0 {
		t.notify()
	}
}

// notify has a waiter try.
func (t *turn) notify() { signal(t.freed) }

// interrupt has the waiters look whether they have to leave: one, which passes it on if
// it does.
func (t *turn) interrupt() { signal(t.over) }

// signal puts an element into c, which holds one.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
