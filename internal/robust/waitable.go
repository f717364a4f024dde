package robust

import (
	"context"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// Waitable is what ipcsync.WaitAny takes. Types of any package of this module can
// implement it.
type Waitable interface{ Waiter() Waiter }

// Waiter is one wait of several, of which at most one succeeds. One that takes nothing,
// but says that there may be something, is made by [Object.Ready].
type Waiter interface {
	// Wait waits as the type's own method does, and takes what it waits for
	// through the claim. taken is for WaitAny's caller: the right to unlock what
	// was locked, or nil.
	Wait(context.Context, *Claim) (taken any, err error)
	// Try takes what it would wait for, or reports false.
	Try() (taken any, ok bool, err error)
}

// Ready returns a Waiter at a gate that takes nothing, and succeeds when look reports
// that there may be something to take. look is called with the memory protected.
func (o *Object) Ready(g *wait.Gate, look func() bool) Waiter { return ready{o, g, look} }

type ready struct {
	o    *Object
	gate *wait.Gate
	look func() bool
}

func (r ready) Wait(ctx context.Context, c *Claim) (any, error) {
	err := r.o.Wait(ctx, r.gate, c, func(bool) (bool, error) { return r.look(), nil })
	if err != nil {
		return nil, r.o.Fail(breezeway.OpWait, err)
	}
	// What there is, is still there, and the wake-up that announced it may have been
	// spent here: it is passed on to a waiter that takes.
	r.o.Touch(func() { r.gate.Wake(1) })
	return nil, nil
}

func (r ready) Try() (any, bool, error) {
	var ok bool
	err := r.o.Use(func() error {
		ok = r.look()
		return nil
	})
	return nil, ok && err == nil, r.o.Fail(breezeway.OpWait, err)
}
