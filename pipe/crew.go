package pipe

import "sync"

// crew is the goroutines that work for a listener. Close waits until they have
// ended, but not for one that is in the caller's Logger: that may be the one which
// calls Close. The zero value has none.
type crew struct {
	mu     sync.Mutex
	busy   int
	atRest chan struct{} // closed when busy becomes 0; nil unless one waits
}

// run calls f on a goroutine of the crew.
func (c *crew) run(f func()) {
	c.add(1)
	go func() {
		defer c.add(-1)
		f()
	}()
}

// leave calls f, which may wait for the crew.
func (c *crew) leave(f func()) {
	c.add(-1)
	defer c.add(1)
	f()
}

func (c *crew) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy += n
	if c.busy == 0 && c.atRest != nil {
		close(c.atRest)
		c.atRest = nil
	}
}

// wait returns when no goroutine of the crew works.
func (c *crew) wait() {
	c.mu.Lock()
	if c.busy == 0 {
		c.mu.Unlock()
		return
	}
	if c.atRest == nil {
		c.atRest = make(chan struct{})
	}
	atRest := c.atRest
	c.mu.Unlock()
	<-atRest
}
