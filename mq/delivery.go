package mq

import (
	"context"
	"fmt"
	"os"
	"time"
)

// Delivery is a message that was leased. It is a value; its methods may be called
// concurrently, and end the lease once.
type Delivery struct {
	Message
	lease Lease
	token Token
}

// Lease is what a [Queue] implements for its deliveries. Programs that use queues don't
// need it.
//
// Each method fails with [ErrLeaseLost] if the lease has ended.
type Lease interface {
	Ack(ctx context.Context, t Token) error
	Nack(ctx context.Context, t Token, delay time.Duration) error
	Extend(ctx context.Context, t Token) error
}

// Token is what a Queue knows a lease by.
type Token struct{ Message, Lease uint64 }

// NewDelivery is for implementations of [Queue].
func NewDelivery(m Message, l Lease, t Token) Delivery { return Delivery{m, l, t} }

// ErrLeaseLost is returned for a lease that has ended: by Ack or Nack, by the queue's
// lease timeout, or since the queue was closed. The message may be another receiver's by
// now.
var ErrLeaseLost = fmt.Errorf("the lease has ended, and the message may be delivered again (%w)", os.ErrInvalid)

// Ack removes the message from the queue: its work is done.
func (d Delivery) Ack(ctx context.Context) error {
	if d.lease == nil {
		return errNoDelivery
	}
	return d.lease.Ack(ctx, d.token)
}

// Nack gives the message back. It is delivered again after the delay, marked as
// redelivered, before younger messages of its priority. Unless it was delivered as often
// as the queue allows: then it goes to the dead-letter queue, or is dropped, at once.
func (d Delivery) Nack(ctx context.Context, delay time.Duration) error {
	if d.lease == nil {
		return errNoDelivery
	}
	return d.lease.Nack(ctx, d.token, delay)
}

// Extend begins the queue's lease timeout anew, for work that takes longer.
func (d Delivery) Extend(ctx context.Context) error {
	if d.lease == nil {
		return errNoDelivery
	}
	return d.lease.Extend(ctx, d.token)
}

var errNoDelivery = fmt.Errorf("there is no delivery; Lease returns one (%w)", os.ErrInvalid)
