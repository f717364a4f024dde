package ring

import (
	"context"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Waiter is for ipcsync.WaitAny: of a receiver it takes nothing. That it is ready says that
// TryReceive returns a value, or the error that Receive would.
func (r *Receiver[T]) Waiter() robust.Waiter { return readiness{&r.k} }

// Waiter is for ipcsync.WaitAny, as [Receiver.Waiter] is.
func (r *BytesReceiver) Waiter() robust.Waiter { return readiness{&r.k} }

// readiness is a wait until a receiver has something to receive.
type readiness struct{ k *consumer }

func (r readiness) Wait(ctx context.Context, c *robust.Claim) (any, error) {
	k := r.k
	if k.c == nil {
		return nil, failSide(true, nil, breezeway.OpWait, nil)
	}
	if k.closed {
		return nil, k.c.fail(breezeway.OpWait, os.ErrClosed)
	}
	var w waiter
	w.init(k.c, k.c.arrived, func(check bool) (bool, error) {
		ok := k.isReady()
		if ok || !check {
			return ok, nil
		}
		return false, k.checkStuck(k.load(k.next), true)
	}, nil)
	return nil, k.c.fail(breezeway.OpWait, w.wait(ctx, c))
}

func (r readiness) Try() (any, bool, error) {
	k := r.k
	if k.c == nil {
		return nil, false, failSide(true, nil, breezeway.OpWait, nil)
	}
	if k.closed {
		return nil, false, k.c.fail(breezeway.OpWait, os.ErrClosed)
	}
	ok := false
	err := k.c.o.Use(func() error {
		ok = k.isReady()
		return nil
	})
	return nil, ok, k.c.fail(breezeway.OpWait, err)
}

// isReady reports whether Receive would not wait, as far as can be seen without taking
// anything. (A record to be skipped is not passed over here: then it reports true once too
// often.)
func (k *consumer) isReady() bool {
	if k.holds {
		cursor := k.line.cursor.Load()
		if cursor&isGone != 0 || cursor>>cursorShift != k.next || int64(k.c.h.oldest.Load()-k.next) > 0 {
			return true
		}
	}
	w := k.load(k.next)
	return w.isAt(k.next) && w.state() != empty
}
