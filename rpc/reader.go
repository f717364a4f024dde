package rpc

import (
	"errors"
	"sync/atomic"
	"time"
)

// takeoverTime is how long the goroutine that reads may execute a call at least, and twice
// of it at most, before another one reads on.
const takeoverTime = time.Millisecond

// errTakenOver ends the reading of a goroutine whose link another one reads.
var errTakenOver = errors.New("another goroutine reads")

// readerRole is which goroutine reads a link: one at a time, that of link.readOn. It executes
// calls of methods that have been quick itself, as to wake another goroutine takes longer
// than they do. If one isn't quick this time, another goroutine takes the role over, and the
// other calls of the connection are delayed by 2 ms at most.
type readerRole struct {
	state   atomic.Uint64 // odd while the reader executes a call; grows with every change
	watched atomic.Bool   // the timer runs
	timer   *time.Timer
	seen    uint64                     // state when the timer ran last
	method  atomic.Pointer[registered] // what the reader executes, or executed last
	ended   chan struct{}              // closed when the link is not read any more
}

func (r *readerRole) init(l *link) {
	r.ended = make(chan struct{})
	r.timer = time.AfterFunc(time.Hour, l.watchReader)
	r.timer.Stop()
}

// watch starts the timer, unless it runs.
func (r *readerRole) watch() {
	if !r.watched.Load() && r.watched.CompareAndSwap(false, true) {
		r.timer.Reset(takeoverTime)
	}
}

// back makes the caller the reader again, unless another goroutine is.
func (r *readerRole) back(executing uint64) bool {
	return r.state.CompareAndSwap(executing, executing+1)
}

// executeHere executes a call on the goroutine that reads. It fails with errTakenOver if that
// took too long.
func (l *link) executeHere(c *incomingCall) error {
	l.reader.method.Store(c.method)
	executing := l.reader.state.Add(1)
	l.reader.watch()
	returned := false
	defer func() {
		if !returned && l.reader.back(executing) { // the method called runtime.Goexit
			l.workers.Go(l.read)
		}
	}()
	c.here = true
	c.run()
	returned = true
	if !l.reader.back(executing) {
		return errTakenOver
	}
	return nil
}

// watchReader lets another goroutine read if the reader has executed one call since it was
// called last. It is called every takeoverTime for as long as calls are executed.
func (l *link) watchReader() {
	r := &l.reader
	now := r.state.Load()
	switch {
	case now != r.seen:
		r.seen = now
		r.timer.Reset(takeoverTime)
		return
	case now%2 == 1 && r.back(now):
		r.method.Load().quick.Store(0) // its next calls shall not do the same
		l.workers.Go(l.read)           // one of workers executes the call, so that they are not waited for yet
	}
	r.watched.Store(false)
	if r.state.Load() != now {
		r.watch()
	}
}

const (
	// quickTime is how long a quick method takes, with its arguments and its result.
	quickTime = 50 * time.Microsecond
	// quickCalls is how many calls have to be quick, one after the other.
	quickCalls = 4
)

// took notes how long a call took.
func (m *method) took(d time.Duration) {
	switch quick := m.quick.Load(); {
	case d > quickTime:
		m.quick.Store(0)
	case quick < quickCalls:
		m.quick.Add(1)
	}
}

// isQuick reports whether the method has been quick of late.
func (m *method) isQuick() bool { return m.quick.Load() >= quickCalls }
