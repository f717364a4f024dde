package acceptor

import "sync"

// Crew is the goroutines that work for a listener. Close waits until they have
// ended, but not for one that is in the caller's Logger: that may be the one which
// calls Close. The zero value has none.
type Crew struct {
	mu     sync.Mutex
	busy   int
	atRest chan struct{} // closed when busy becomes 0; nil unless one waits
}

// Run calls f on a goroutine of the crew.
func (c *Crew) Run(f func()) {
	c.add(1)
	go func() {
		defer c.add(-1)
		f()
	}()
}

// Leave calls f, which may wait for the crew.
func (c *Crew) Leave(f func()) {
	c.add(-1)
	defer c.add(1)
	f()
}

func (c *Crew) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy += n
	if c.busy == 0 && c.atRest != nil {
		close(c.atRest)
		c.atRest = nil
	}
}

// Wait returns when no goroutine of the crew works.
func (c *Crew) Wait() {
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
