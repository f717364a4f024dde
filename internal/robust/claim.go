package robust

import (
	"errors"
	"sync"
)

// Claim lets at most one of several waits succeed. A nil Claim belongs to a wait by
// itself, and lets it succeed.
type Claim struct {
	mu    sync.Mutex
	taken bool

	// around, if there is one, calls take at the right moment; outer decides.
	around func(take func() (bool, error)) (bool, error)
	outer  *Claim
}

// ErrTaken ends a wait when another wait of the same claim has succeeded.
var ErrTaken = errors.New("another wait of the same claim has succeeded")

// Around returns a claim that calls around, when outer lets the wait succeed, with
// what takes something.
func Around(outer *Claim, around func(take func() (bool, error)) (bool, error)) *Claim {
	return &Claim{outer: outer, around: around}
}

// Take calls try, which takes something or reports that there is nothing, unless
// another wait of the claim has taken something. Since that is an error, a wake-up
// that led to it is passed on (see package wait).
func (c *Claim) Take(try func() (bool, error)) (bool, error) {
	switch {
	case c == nil:
		return try()
	case c.around != nil:
		return c.outer.Take(func() (bool, error) { return c.around(try) })
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken {
		return false, ErrTaken
	}
	ok, err := try()
	c.taken = ok
	return ok, err
}
