//go:build unix

package mmap

import "sync/atomic"

// calls tells accessors whether the mapping is closed. Close doesn't wait for
// them: a late accessor meets what Close left of the memory, and learns then that it is
// closed. See [Mapping.free].
//
// The order is: Close stores closed, then takes the memory away. An accessor that met
// zeros therefore finds closed set when it leaves, and one that met a fault when it is
// rescued.
type calls struct{ closed, exposed atomic.Bool }

func makeCalls() calls { return calls{} }

// enter never refuses: nothing else is mapped there as long as the Mapping is
// reachable.
func (c *calls) enter() bool { return true }

// leave reports whether the mapping was open all the time since enter.
func (c *calls) leave() bool { return !c.closed.Load() }

// expose says that the memory will be touched where no fault is caught, so that Close
// must leave zeros. It reports whether Close heard that: false if it was called before.
// Close stores closed and then loads exposed; here it is the other way round.
func (c *calls) expose() bool {
	if c.exposed.Load() {
		return true
	}
	c.exposed.Store(true)
	return !c.closed.Load()
}

func (c *calls) close() { c.closed.Store(true) }
