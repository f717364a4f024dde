package shmnet

import (
	"sync"
	"sync/atomic"
	"time"
)

// deadline is a point in time that may be moved while it is waited for. Moving it
// allocates once at most.
type deadline struct {
	passed atomic.Bool // looked at on every Read and Write

	mu    sync.Mutex
	at    time.Time
	timer *time.Timer
	// apply, if not nil, has another connection keep the deadline instead.
	apply func(time.Time) error
}

// set moves the deadline of s; the zero time removes it. When it has passed, s is
// notified.
func (d *deadline) set(t time.Time, s *side) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = t
	if d.apply != nil {
		return d.apply(t)
	}
	left := time.Until(t)
	d.passed.Store(!t.IsZero() && left <= 0)
	switch {
	case t.IsZero():
		d.stop()
	case left <= 0:
		d.stop()
		s.notify()
	case d.timer == nil:
		d.timer = time.AfterFunc(left, func() { d.fire(s) })
	default:
		d.timer.Reset(left)
	}
	return nil
}

// fire may be late: for a deadline that was moved meanwhile.
func (d *deadline) fire(s *side) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at.IsZero() || d.apply != nil {
		return
	}
	if left := time.Until(d.at); left > 0 {
		d.timer.Reset(left)
		return
	}
	d.passed.Store(true)
	s.notify()
}

// stop ends the timer. d.mu is held.
func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}

// handOver has apply keep this deadline from now on.
func (d *deadline) handOver(apply func(time.Time) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stop()
	d.apply = apply
	apply(d.at) // a connection that is closed has no use for it
	d.passed.Store(false)
}

// clear ends the timer for good.
func (d *deadline) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = time.Time{}
	d.stop()
}

// isOver reports whether the deadline has passed, also if another connection keeps it.
func (d *deadline) isOver() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.at.IsZero() && time.Until(d.at) <= 0
}
