package robust

import "context"

// Waitable is what ipcsync.WaitAny takes. Types of any package of this module can
// implement it.
type Waitable interface{ Waiter() Waiter }

// Waiter is one wait of several, of which at most one succeeds. That of a queue or a ring
// takes nothing, and says that there may be something to take.
type Waiter interface {
	// Wait waits as the type's own method does, and takes what it waits for
	// through the claim. taken is for WaitAny's caller: the right to unlock what
	// was locked, or nil.
	Wait(context.Context, *Claim) (taken any, err error)
	// Try takes what it would wait for, or reports false.
	Try() (taken any, ok bool, err error)
}
