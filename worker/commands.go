package worker

import (
	"io"
	"sync"
)

// commands are written one after the other, by a goroutine that is there while there are
// some: a worker that is stopped reads none, and sending one doesn't wait for that.
type commands struct {
	w io.Writer

	mu      sync.Mutex
	waiting []byte
	writing bool
}

// send has a command written. A worker that hears nothing any more is found out otherwise.
func (c *commands) send(what, arg uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, encodeCommand(what, arg)...)
	if !c.writing {
		c.writing = true
		go c.write()
	}
}

// write writes what waits.
func (c *commands) write() {
	for {
		c.mu.Lock()
		b := c.waiting
		c.waiting = nil
		c.writing = len(b) > 0
		c.mu.Unlock()
		if len(b) == 0 {
			return
		}
		_, _ = c.w.Write(b)
	}
}
