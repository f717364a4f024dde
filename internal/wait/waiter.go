package wait

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// recheck is after how long at most a waiter looks for itself. All do it at the
// same moments, since what costs most is waking an idle process: ten times a second,
// a bare system call in a loop costs a Go process 1.4 ms of processor time, much of
// it for the runtime's own thread.
//
// So who has been waiting for longWait has himself told of departures instead, and
// looks only every longRecheck: that is for what no departure tells, a process of
// another language that was killed when it had just been woken. After a departure,
// which is told a moment before the kernel drops the locks, he looks at once, after
// release, and then again every recheck.
const (
	recheck     = 100 * time.Millisecond
	longWait    = 500 * time.Millisecond
	longRecheck = 500 * time.Millisecond
	release     = 5 * time.Millisecond
)

// waiter is a call of [Word.Wait] that spinning didn't satisfy.
type waiter struct {
	before, after *waiter
	promoted      chan struct{} // has an element once it leads

	arm      arm
	arms     [1]*arm     // points to arm
	counted  bool        // in the Word's waiters
	watching bool        // departures,
	as       int32       // of which it has been given this number
	seat     sleeper     // nil if it has none; set under Word.mu
	group    *group      // or that it has joined; under Word.mu
	stop     func() bool // ends the watch over the context, for the seat
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
	every, quiet := recheck, sys.Clock() // since when nothing has happened
	for {
		phase := Park
		now := sys.Clock()
		nudged := w.nudged.Swap(false)
		switch {
		case nudged:
			quiet, every = now, recheck
		case every == recheck && now-quiet >= longWait && n.watch():
			every, check = longRecheck, now // for what happened before
		}
		if nudged || now >= check {
			phase, check = Check, now.Truncate(every)+every
		}
		if nudged {
			check = min(check, now+release)
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

// watch has n told of departures from now on, if it can be.
func (n *waiter) watch() bool {
	if !n.watching {
		n.as, n.watching = n.arm.word.watch()
	}
	return n.watching
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
	case w.isShut(), w.nudged.Load(): // asked after the seat was set, for whoever rings
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
	n.setGroup(g)
	defer n.setGroup(nil)
	if n.arm.word.nudged.Load() { // before it was known where to
		g.askBack(&n.arm)
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

func (n *waiter) setGroup(g *group) {
	w := n.arm.word
	w.mu.Lock()
	n.group = g
	w.mu.Unlock()
}
