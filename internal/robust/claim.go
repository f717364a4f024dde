package robust

import (
	"errors"
	"sync"
)

// Claim lets at most one of several waits succeed. A nil Claim lets a single wait
// succeed.
type Claim struct {
	mu    sync.Mutex
	taken bool

	// around, if it isn't nil, is called first, and calls outer's Take.
	around func(take func() (bool, error)) (bool, error)
	outer  *Claim
}

// ErrTaken ends a wait when another wait of the same claim has succeeded.
var ErrTaken = errors.New("another wait of the same claim has succeeded")

// Around returns a claim whose Take calls around with a function that takes through
// outer. around may wait before it calls that: meanwhile it doesn't keep other waits
// from taking.
func Around(outer *Claim, around func(take func() (bool, error)) (bool, error)) *Claim {
	return &Claim{outer: outer, around: around}
}

// Take calls try, which takes something or reports that there is nothing. If another
// wait of the claim has taken something, Take fails with ErrTaken instead: since that
// is an error, package wait passes on the wake-up that led to it.
func (c *Claim) Take(try func() (bool, error)) (bool, error) {
	switch {
	case c == nil:
		return try()
	case c.around != nil:
		return c.around(func() (bool, error) { return c.outer.Take(try) })
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
