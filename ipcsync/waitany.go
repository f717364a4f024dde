package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Waitable is what [WaitAny] waits for: the types of this package, and those of
// other packages of this module that have a method Waiter.
type Waitable interface{ Waiter() robust.Waiter }

// WaitAny waits until it can take one of several objects, and takes exactly one:
// a permit of a [Semaphore], an [Event], a [Mutex], an [RWMutex] to write, a
// [FileLock] exclusively; RLocker makes one of the last two that is shared. It
// returns which one, and for a lock the Held; for a semaphore or an event that is
// the zero value. If several can be had it takes the first of them.
//
// It fails as the wait for one of them does: with [context.Cause] within 10 ms of
// ctx being done, when the index is -1, or as soon as one of the objects fails,
// for example since it was closed, when the index says which. Nothing is taken
// then, and no wake-up that belonged to another waiter is lost.
//
// On Windows the kernel gives its objects to waiters without asking. There
// something may be taken for a moment and given back, when two become free at the
// same time.
func WaitAny(ctx context.Context, objects ...Waitable) (index int, h Held, err error) {
	if len(objects) == 0 {
		return -1, Held{}, failWaitAny(fmt.Errorf("of no objects none can be taken (%w)", os.ErrInvalid))
	}
	waiters := make([]robust.Waiter, len(objects))
	for i, o := range objects {
		if o == nil {
			return i, Held{}, failWaitAny(fmt.Errorf("object %d is nil (%w)", i, os.ErrInvalid))
		}
		waiters[i] = o.Waiter()
	}
	for i, w := range waiters {
		if taken, ok, err := w.Try(); ok || err != nil {
			h, _ := taken.(Held)
			return i, h, err
		}
	}
	end := waitAny(ctx, waiters)
	if end.index < 0 {
		return -1, Held{}, failWaitAny(context.Cause(ctx))
	}
	h, _ = end.taken.(Held)
	return end.index, h, end.err
}

// anyResult is how one of several waits ended.
type anyResult struct {
	index int
	taken any
	err   error
}

// waitAny returns the wait that decided, with index -1 if that is ctx.
func waitAny(ctx context.Context, waiters []robust.Waiter) anyResult {
	one, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan anyResult, len(waiters))
	var c robust.Claim
	for i, w := range waiters {
		go func() {
			taken, err := w.Wait(one, &c)
			results <- anyResult{i, taken, err}
		}()
	}
	// All end soon after the first: each is interrupted, or finds the claim taken.
	end := anyResult{index: -1}
	for range waiters {
		r := <-results
		switch {
		case r.err == nil:
			end = r
		case end.index < 0 && one.Err() == nil && !errors.Is(r.err, robust.ErrTaken):
			r.taken = nil
			end = r
		}
		cancel()
	}
	return end
}

func failWaitAny(err error) error { return fail.With(breezeway.OpWait, "ipcsync", "", err) }

// tried puts what a Try method returned into the form of a [robust.Waiter].
func tried(h Held, ok bool, err error) (any, bool, error) { return h, ok, err }

// nothingTaken is tried for what has no Held.
func nothingTaken(ok bool, err error) (any, bool, error) { return nil, ok, err }
