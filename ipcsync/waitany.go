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

// Waitable is what [WaitAny] waits for. Types of this package and of other packages of
// this module implement it.
type Waitable interface{ Waiter() robust.Waiter }

// WaitAny waits until it can take one of several objects, and takes exactly one: a
// permit of a [Semaphore], an [Event], a [Mutex], an [RWMutex] for writing, or a
// [FileLock] exclusively. RLocker of the last two is for sharing them. WaitAny
// returns the index of the object, and for a lock the Held. If several can be taken
// it takes the first of them.
//
// A queue (mq.LocalQueue) and a receiver of a ring (package ring) can be among them. Of
// these WaitAny takes nothing: it returns when there may be something to receive. Take it
// with TryReceive, and wait again if another process was faster.
//
// When ctx is done it fails with [context.Cause] within 10 ms; the index is -1. When
// one of the objects fails, for example because it was closed, it fails with that
// error, and the index is the object's. With an error nothing was taken, and no
// wake-up of another waiter is lost.
//
// On Windows the kernel decides what a waiter gets. If two of its objects become free
// at the same time, one of them may be taken for a moment and given back.
func WaitAny(ctx context.Context, objects ...Waitable) (index int, h Held, err error) {
	if len(objects) == 0 {
		return -1, Held{}, failWaitAny(fmt.Errorf("there are no objects to wait for; give at least one (%w)", os.ErrInvalid))
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

// anyResult is the result of one of several waits.
type anyResult struct {
	index int
	taken any
	err   error
}

// waitAny returns the result of the wait that decided; if ctx did, the index is -1.
func waitAny(ctx context.Context, waiters []robust.Waiter) anyResult {
	one, cancel := context.WithCancelCause(ctx)
	defer cancel(errWaitOver)
	results := make(chan anyResult, len(waiters))
	var c robust.Claim
	for i, w := range waiters {
		go func() {
			taken, err := w.Wait(one, &c)
			results <- anyResult{i, taken, err}
		}()
	}
	// All end soon after the first: each is cancelled, or finds the claim taken. A
	// wait may have taken the claim and fail all the same, when its object is closed.
	end := anyResult{index: -1}
	for range waiters {
		r := <-results
		switch {
		case r.err == nil:
			end = r
		case end.index < 0 && !isInterruption(ctx, r.err):
			r.taken = nil
			end = r
		}
		cancel(errWaitOver)
	}
	return end
}

// errWaitOver is what ends the other waits when one has ended.
var errWaitOver = errors.New("another wait has ended")

// isInterruption reports whether a wait ended because another one or ctx did.
func isInterruption(ctx context.Context, err error) bool {
	return errors.Is(err, errWaitOver) || errors.Is(err, robust.ErrTaken) ||
		ctx.Err() != nil && errors.Is(err, context.Cause(ctx))
}

func failWaitAny(err error) error { return fail.With(breezeway.OpWait, "ipcsync", "", err) }

// tried returns the results of a Try method as a [robust.Waiter] does.
func tried(h Held, ok bool, err error) (any, bool, error) { return h, ok, err }

// nothingTaken is tried for objects without a Held.
func nothingTaken(ok bool, err error) (any, bool, error) { return nil, ok, err }
