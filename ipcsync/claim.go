package ipcsync

import (
	"errors"
	"sync"
)

// claim is told before a wait takes something, and may refuse. A nil claim is
// that of a wait by itself.
type claim struct {
	mu    sync.Mutex
	taken bool

	// around, if there is one, calls take at the right moment, for outer.
	around func(take func() (bool, error)) (bool, error)
	outer  *claim
}

// errTaken ends a wait when another one of the same claim has taken something.
var errTaken = errors.New("another one was faster")

// take calls try, which takes something or reports that there is nothing, unless
// another wait has taken something already. Since that is an error, a wake-up
// that led to it is passed on (see package wait).
func (c *claim) take(try func() (bool, error)) (bool, error) {
	switch {
	case c == nil:
		return try()
	case c.around != nil:
		return c.outer.take(func() (bool, error) { return c.around(try) })
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken {
		return false, errTaken
	}
	ok, err := try()
	c.taken = ok
	return ok, err
}
