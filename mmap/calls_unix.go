//go:build unix

package mmap

import "sync/atomic"

// calls tells accessors whether the mapping is closed. Close doesn't wait for
// them: a late accessor touches the private zeros that Close put there, and
// learns on leaving that it did.
//
// The order is: Close stores closed, then replaces the memory. An accessor that
// met the zeros therefore finds closed set when it leaves.
type calls struct{ closed atomic.Bool }

func makeCalls() calls { return calls{} }

// enter never refuses: there is memory to touch as long as the Mapping is
// reachable.
func (c *calls) enter() bool { return true }

// leave reports whether the mapping was open all the time since enter.
func (c *calls) leave() bool { return !c.closed.Load() }

func (c *calls) close() { c.closed.Store(true) }
