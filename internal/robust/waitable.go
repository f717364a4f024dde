package robust

import "context"

// Waitable is what ipcsync.WaitAny takes, from any package of this module.
type Waitable interface{ Waiter() Waiter }

// Waiter is one wait of several, of which at most one succeeds.
type Waiter interface {
	// Wait waits as the type's own method does, and takes what it waits for
	// through the claim. What it returns is given to WaitAny's caller: the right
	// to unlock what was locked, or nil.
	Wait(context.Context, *Claim) (taken any, err error)
	// Try is Wait that doesn't wait.
	Try() (taken any, ok bool, err error)
}
