package wait

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// recheck is after how long at most a waiter looks for itself. All do it at the
// same moments, since what costs most is waking an idle process.
const recheck = 100 * time.Millisecond

// waiter is a call of [Word.Wait] that spinning didn't satisfy.
type waiter struct {
	before, after *waiter
	promoted      chan struct{} // has an element once it leads

	arm     arm
	arms    [1]*arm     // points to arm
	counted bool        // in the Word's waiters
	seat    sleeper     // nil if it has none; set under Word.mu
	stop    func() bool // ends the watch over the context, for the seat
}

var waiters = sync.Pool{New: func() any {
	n := &waiter{promoted: make(chan struct{}, 1)}
	n.arm.done = make(chan struct{}, 1)
	n.arms[0] = &n.arm
	return n
}}

// queue waits until n leads.
func (n *waiter) queue(ctx context.Context) error {
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
	case <-n.arm.word.shut:
		return os.ErrClosed
	}
}

// lead looks and sleeps in turn.
func (n *waiter) lead(ctx context.Context, look func(Phase) (uint32, bool, error)) error {
	w := n.arm.word
	w.mu.Lock()
	err := w.object.open()
	w.mu.Unlock()
	if err != nil {
		return err
	}
	var check time.Duration
	for {
		phase := Park
		now := sys.Clock()
		if now >= check {
			phase, check = Check, now.Truncate(recheck)+recheck
		}
		old, done, err := look(phase)
		if err != nil && n.arm.woken {
			w.Wake(1) // somebody else may have more luck with it
		}
		if done || err != nil {
			return err
		}
		n.count()
		if err := n.sleep(ctx, old, check); err != nil {
			return err
		}
	}
}

func (n *waiter) count() {
	if all := n.arm.word.waiters; all != nil && !n.counted {
		n.counted = true
		all.Add(1)
	}
}

func (n *waiter) uncount() {
	if n.counted {
		n.counted = false
		n.arm.word.waiters.Add(^uint32(0))
	}
}

// sleep returns nil when it is time to look again: always if a wake-up was spent
// on n.
func (n *waiter) sleep(ctx context.Context, old uint32, until time.Duration) error {
	w := n.arm.word
	n.arm.old, n.arm.until, n.arm.woken = old, until, false
	if n.seat == nil {
		if err := n.sit(ctx); err != nil {
			return err
		}
	}
	var err error
	switch {
	case w.isShut(): // asked after the seat was set, for Close to ring
	case n.seat != nil:
		err = n.seat.sleep(n.arms[:], max(0, until-sys.Clock()))
	default:
		err = n.join(ctx)
	}
	switch {
	case n.arm.woken:
		return nil
	case err != nil:
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case w.isShut():
		return os.ErrClosed
	}
	return nil
}

// sit takes a seat if one is free. It keeps it until it leaves.
func (n *waiter) sit(ctx context.Context) error {
	seat, err := takeSeat()
	if seat == nil {
		return err
	}
	w := n.arm.word
	w.mu.Lock()
	n.seat = seat
	w.mu.Unlock()
	if ctx.Done() != nil {
		// The bell may ring late, for whoever has the seat then: he looks around
		// and sleeps on.
		n.stop = context.AfterFunc(ctx, seat.ring)
	}
	return nil
}

func (n *waiter) getUp() {
	if n.seat == nil {
		return
	}
	if n.stop != nil {
		n.stop()
		n.stop = nil
	}
	w := n.arm.word
	w.mu.Lock()
	seat := n.seat
	n.seat = nil
	w.mu.Unlock()
	giveSeat(seat)
}

// join sleeps in a group. However it ends, the group has let go of the arm, so
// that no wake-up can reach it unseen.
func (n *waiter) join(ctx context.Context) error {
	g, err := joinGroup(&n.arm)
	if err != nil {
		return err
	}
	select {
	case <-n.arm.done:
		return nil
	case <-ctx.Done():
	case <-n.arm.word.shut:
	}
	g.askBack(&n.arm)
	<-n.arm.done
	return nil
}
