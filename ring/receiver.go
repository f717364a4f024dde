package ring

import (
	"context"
	"iter"

	"github.com/breezeway-ipc/breezeway"
)

// Receiver receives values. Its methods, and those of its samples, are for one goroutine
// at a time. It may have several samples, which are released in the order in which they
// were received; in a Broadcast with SlowSkip or SlowDisconnect it has one sample or batch
// at a time. On a nil or zero Receiver methods fail with [os.ErrInvalid].
type Receiver[T any] struct{ k consumer }

// Receive returns the next value. It waits until there is one, as Config.Wait says, until
// ctx is done: [context.Cause]. It fails with [breezeway.ErrRemoved] if the ring was
// removed and is empty, with [os.ErrClosed] after Close, and with [ErrDisconnected].
func (r *Receiver[T]) Receive(ctx context.Context) (Sample[T], error) {
	if r != nil && r.k.fast {
		if from, to, _, ok := r.k.takeSoon(); ok {
			return Sample[T]{&r.k, valueAt[T](&r.k.cells, to-1), from, to}, nil
		}
	}
	s, _, err := r.receive(ctx, true)
	return s, err
}

// TryReceive is Receive that doesn't wait. It reports false if there is no value.
func (r *Receiver[T]) TryReceive() (Sample[T], bool, error) {
	return r.receive(context.Background(), false)
}

func (r *Receiver[T]) receive(ctx context.Context, mayWait bool) (Sample[T], bool, error) {
	if r.isZero() {
		return Sample[T]{}, false, r.fail(breezeway.OpReceive, nil)
	}
	ok, err := r.k.receive(ctx, mayWait)
	if !ok {
		return Sample[T]{}, false, r.fail(breezeway.OpReceive, err)
	}
	from, pos, _ := r.k.take()
	return Sample[T]{&r.k, valueAt[T](&r.k.cells, pos), from, r.k.next}, true, nil
}

// ReceiveBatch returns the next values, at most most of them, as many as are there. It
// waits until there is one.
func (r *Receiver[T]) ReceiveBatch(ctx context.Context, most int) (Samples[T], error) {
	s, _, err := r.receive(ctx, true)
	if err != nil {
		return Samples[T]{}, err
	}
	b := Samples[T]{&r.k, s.from, s.to - 1, s.to}
	if n := r.k.takeMore(most - 1); n > 0 {
		b.to += uint64(n)
	}
	return b, nil
}

// All returns an iterator over the values as Receive returns them. It releases each one
// after the loop's body, unless that did. It ends after the first error of either, which it
// yields, unless the body has ended the loop.
func (r *Receiver[T]) All(ctx context.Context) iter.Seq2[Sample[T], error] {
	return func(yield func(Sample[T], error) bool) {
		for {
			s, err := r.Receive(ctx)
			more := yield(s, err)
			if err != nil {
				return
			}
			if s.from == r.k.released {
				err = s.Release()
			}
			if more && err != nil {
				yield(Sample[T]{}, err)
			}
			if !more || err != nil {
				return
			}
		}
	}
}

// Skipped returns how many messages the sender has overwritten before this receiver has
// received them, where the ring is a Broadcast with SlowSkip: up to the last call of
// Receive.
func (r *Receiver[T]) Skipped() uint64 {
	if r.isZero() {
		return 0
	}
	return r.k.skipped
}

func (r *Receiver[T]) isZero() bool { return r == nil || r.k.c == nil }

func (r *Receiver[T]) core() *core {
	if r == nil {
		return nil
	}
	return r.k.c
}

func (r *Receiver[T]) fail(op string, err error) error {
	return failSide(r.isZero(), r.core(), op, err)
}

// Close gives up the right to receive. What was received and not released is received
// again by the next receiver, unless the ring is a Broadcast. It must not be called while
// another method is in progress: [Ring.Close] ends these. Closing again does nothing.
func (r *Receiver[T]) Close() error {
	if r.isZero() {
		return r.fail(breezeway.OpClose, nil)
	}
	return r.fail(breezeway.OpClose, r.k.end())
}
