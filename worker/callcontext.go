package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// callContext is the context of a call in a worker. It costs a call little that never
// looks at it: no lock, and no channel.
//
//	cancel: change state; load touched
//	others: store touched; load state
//
// Both are sequentially consistent, so that either cancel sees that there is a channel to
// close, or the other sees that the context has ended.
type callContext struct {
	state   atomic.Int32
	touched atomic.Bool // done or after may be there

	mu    sync.Mutex
	done  chan struct{}
	after map[*func()]struct{}
}

// The states of a callContext.
const (
	contextRuns = iota
	contextCanceled
	contextExpired
)

// closedChannel is what Done returns after the end.
var closedChannel = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// ended reports whether the context has ended.
func (c *callContext) ended() bool { return c.state.Load() != contextRuns }

func (c *callContext) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c *callContext) Value(any) any               { return nil }

func (c *callContext) Err() error {
	switch c.state.Load() {
	case contextCanceled:
		return context.Canceled
	case contextExpired:
		return context.DeadlineExceeded
	}
	return nil
}

func (c *callContext) Done() <-chan struct{} {
	c.touched.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended():
		return closedChannel
	case c.done == nil:
		c.done = make(chan struct{})
	}
	return c.done
}

// AfterFunc lets package context derive contexts without a goroutine for each.
func (c *callContext) AfterFunc(f func()) (stop func() bool) {
	c.touched.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended() {
		go f()
		return func() bool { return false }
	}
	if c.after == nil {
		c.after = map[*func()]struct{}{}
	}
	key := &f
	c.after[key] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waiting := c.after[key]
		delete(c.after, key)
		return waiting
	}
}

// cancel ends the context, the first time, in a state.
func (c *callContext) cancel(state int32) {
	if !c.state.CompareAndSwap(contextRuns, state) || !c.touched.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done != nil {
		close(c.done)
	}
	for f := range c.after {
		go (*f)()
	}
	c.after = nil
}

var _ context.Context = (*callContext)(nil)
