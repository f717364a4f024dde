package mq

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

const kindTyped = "mq"

// Typed is a queue whose messages are values of T. It is made by [NewTyped], belongs to
// no process alone, and needs no Close: the queue below it is closed. All methods may be
// called concurrently.
//
// A message that is no T (another type at the other end, or a program that doesn't know the
// codec) fails with [breezeway.ErrMismatch], and comes with the error as it is:
// [TypedMessage.Body] has its bytes. Which differences a codec sees is said at [JSON],
// [Gob] and [Raw].
//
// Experimental.
type Typed[T any] struct {
	queue Queue
	codec Codec[T]
}

// TypedMessage is a message that was received, and the value that it carries. Body has the
// bytes that the value was decoded from.
//
// Experimental.
type TypedMessage[T any] struct {
	Value T
	Message
}

// TypedDelivery is a message that was leased, and the value that it carries.
//
// Experimental.
type TypedDelivery[T any] struct {
	Value T
	Delivery
}

// NewTyped returns q as a queue of values of T. If codec is nil it is [JSON]. It fails
// with [os.ErrInvalid] for a T that the codec can't carry.
//
// Experimental.
func NewTyped[T any](q Queue, codec Codec[T]) (*Typed[T], error) {
	if codec == nil {
		codec = JSON[T]()
	}
	var err error
	if z, ok := q.(interface{ isZero() bool }); q == nil || ok && z.isZero() {
		err = fmt.Errorf("there is no queue (%w)", os.ErrInvalid)
	} else if c, ok := codec.(interface{ check() error }); ok {
		err = c.check()
	}
	if err != nil {
		return nil, fail.With(breezeway.OpNew, kindTyped, nameOf(q), err)
	}
	return &Typed[T]{q, codec}, nil
}

// nameOf returns the name of a queue, "" if it has none.
func nameOf(q Queue) string {
	if named, ok := q.(interface{ Name() string }); ok {
		return named.Name()
	}
	return ""
}

var errNoTyped = fmt.Errorf("there is no queue; make the value with mq.NewTyped (%w)", os.ErrInvalid)

func (t *Typed[T]) check(op string) error {
	if t == nil || t.queue == nil {
		return fail.With(op, kindTyped, "", errNoTyped)
	}
	return nil
}

// Queue returns the queue below t.
func (t *Typed[T]) Queue() Queue {
	if t == nil {
		return nil
	}
	return t.queue
}

// Send sends the value v as [Queue.Send] sends a message. Priority, TTL and ID are those
// of m; its Body must be nil.
func (t *Typed[T]) Send(ctx context.Context, v T, m Outgoing) error {
	if err := t.check(breezeway.OpSend); err != nil {
		return err
	}
	if m.Body != nil {
		return fail.With(breezeway.OpSend, kindTyped, nameOf(t.queue), fmt.Errorf("Outgoing.Body is what the value becomes; leave it nil (%w)", os.ErrInvalid))
	}
	var err error
	if m.Body, err = t.codec.Append(nil, v); err != nil {
		return fail.With(breezeway.OpSend, kindTyped, nameOf(t.queue), fmt.Errorf("the value can't be sent (%w): %w", os.ErrInvalid, err))
	}
	return t.queue.Send(ctx, m)
}

// Receive takes a message as [Queue.Receive] does. If it is no T, Receive fails with
// [breezeway.ErrMismatch] and returns it all the same: it was taken, and no other process
// sees it any more.
func (t *Typed[T]) Receive(ctx context.Context) (m TypedMessage[T], err error) {
	if err := t.check(breezeway.OpReceive); err != nil {
		return m, err
	}
	if m.Message, err = t.queue.Receive(ctx, nil); err != nil {
		return m, err
	}
	m.Value, err = t.decode(breezeway.OpReceive, m.Body)
	return m, err
}

// Lease leases a message as [Queue.Lease] does. If it is no T, Lease fails with
// [breezeway.ErrMismatch] and returns the delivery all the same: the message stays leased
// until the caller calls Nack, or Ack to drop it, or the lease ends.
func (t *Typed[T]) Lease(ctx context.Context) (d TypedDelivery[T], err error) {
	if err := t.check(breezeway.OpLease); err != nil {
		return d, err
	}
	if d.Delivery, err = t.queue.Lease(ctx, nil); err != nil {
		return d, err
	}
	d.Value, err = t.decode(breezeway.OpLease, d.Body)
	return d, err
}

// All returns an iterator over messages as Receive returns them. It goes on after a
// message that is no T, and ends after any other error; both are yielded.
func (t *Typed[T]) All(ctx context.Context) iter.Seq2[TypedMessage[T], error] {
	return func(yield func(TypedMessage[T], error) bool) {
		if err := t.check(breezeway.OpReceive); err != nil {
			yield(TypedMessage[T]{}, err)
			return
		}
		for received, err := range t.queue.All(ctx) {
			m := TypedMessage[T]{Message: received}
			if err == nil {
				m.Value, err = t.decode(breezeway.OpReceive, m.Body)
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

// decode returns the value of a message. A codec may fail with any error on bytes that
// are none of its own: all of them mean a mismatch.
func (t *Typed[T]) decode(op string, body []byte) (v T, err error) {
	if v, err = t.codec.Decode(body); err == nil {
		return v, nil
	}
	if !errors.Is(err, breezeway.ErrMismatch) {
		err = fmt.Errorf("%w (%w)", err, breezeway.ErrMismatch)
	}
	var none T
	return none, fail.With(op, kindTyped, nameOf(t.queue), fmt.Errorf("the message of %d bytes is no %T: %w", len(body), none, err))
}
