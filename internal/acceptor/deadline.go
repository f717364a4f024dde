package acceptor

import (
	"sync"
	"time"
)

// deadline is a point in time that waiters select on and that may be moved
// while they wait.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	done  chan struct{} // closed when the deadline has passed
}

func makeDeadline() deadline { return deadline{done: make(chan struct{})} }

// passed returns a channel that is closed when the deadline has passed. A later
// set may replace the channel, but only one that is closed already.
func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.done
}

// set moves the deadline; the zero time removes it.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		<-d.done // the timer fired: let it close the channel first
	}
	d.timer = nil
	if isDone(d.done) {
		d.done = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	if left := time.Until(t); left > 0 {
		done := d.done
		d.timer = time.AfterFunc(left, func() { close(done) })
	} else {
		close(d.done)
	}
}

func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
