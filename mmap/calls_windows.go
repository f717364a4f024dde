package mmap

// calls counts the accessors in progress, since Windows can't replace a view by
// other memory in one step: Close waits for them.
type calls struct{ gate gate }

func makeCalls() calls { return calls{makeGate()} }

// enter reports whether the mapping is open.
func (c *calls) enter() bool { return c.gate.enter() }

// leave reports whether the mapping was open all the time since enter: it was.
func (c *calls) leave() bool {
	c.gate.leave()
	return true
}

// expose is for systems where Close doesn't wait.
func (c *calls) expose() bool { return true }

func (c *calls) close() { c.gate.close() }
