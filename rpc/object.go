package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"

	"github.com/breezeway-ipc/breezeway"
)

// Object is an object at the other side, as [Client.Object] and [Incoming.Caller] return
// it. It need not exist until a method is called. It may be used concurrently.
type Object struct {
	name       string
	via        caller
	idempotent bool
}

// caller has connections to where an object is.
type caller interface {
	// do calls f with a connection, again with another one if that is lost and the call is
	// idempotent.
	do(ctx context.Context, idempotent bool, f func(*link) error) error
}

func (l *link) do(_ context.Context, _ bool, f func(*link) error) error { return f(l) }

// errNoObject is the error of an Object that is nil or zero.
var errNoObject = fmt.Errorf("the Object is nil or zero; use one that Client.Object returned (%w)", os.ErrInvalid)

func (o *Object) valid() bool { return o != nil && o.via != nil }

// Idempotent returns the same object for calls that may be executed twice. If the
// connection is lost, or the server is shutting down, such a call connects again, with
// pauses of 1 to 500 ms, and is sent again until it is answered or ctx ends. A refusal is final:
// of a token, of a certificate, or of what the dial function calls one of [os.ErrPermission],
// [os.ErrInvalid], [breezeway.ErrMismatch] and [errors.ErrUnsupported]. Streams and
// notifications are not sent again, and neither are callbacks.
func (o *Object) Idempotent() *Object {
	if o == nil {
		return nil
	}
	c := *o
	c.idempotent = true
	return &c
}

// Call calls a method and waits for its result. It fails with
//   - an [*Error] if the other side answers with one; [errors.Is] knows some of them,
//   - the cause of ctx, after asking the other side to cancel the call,
//   - [ErrLost] if the connection ends before the answer: whether the method ran is not known,
//   - what the dial function returned, or [net.ErrClosed] after Close,
//   - [breezeway.ErrTooLarge] if the arguments exceed Config.MaxMessage,
//   - [os.ErrInvalid] if JSON can't carry the arguments,
//   - [breezeway.ErrMismatch] if the result is no Reply.
//
// With Reply any, the result is what [encoding/json] makes of it; that of a method without
// result is nil. Other calls on the connection are neither delayed nor disturbed.
func Call[Reply any](ctx context.Context, o *Object, method string, args ...any) (reply Reply, err error) {
	err = o.call(ctx, method, args, &reply)
	return reply, err
}

func (o *Object) call(ctx context.Context, method string, args []any, reply any) error {
	if !o.valid() {
		return failed(breezeway.OpCall, method, errNoObject)
	}
	params, err := encode(args)
	if err == nil {
		err = o.via.do(ctx, o.idempotent, func(l *link) error {
			result, err := l.call(ctx, fullName(o.name, method), params)
			if err != nil || result == nil {
				return err
			}
			return decode(result, reply)
		})
	}
	return failed(breezeway.OpCall, fullName(o.name, method), err)
}

func decode(result json.RawMessage, reply any) error {
	if err := json.Unmarshal(result, reply); err != nil {
		return fmt.Errorf("the answer is not what the caller expects: %w (%w)", err, breezeway.ErrMismatch)
	}
	return nil
}

// Notify calls a method without waiting for it: the caller learns neither of a result nor
// of an error, not even that the method doesn't exist. The other side executes the
// notifications of a connection one after the other, in the order in which they were sent;
// a call does not wait for them.
func (o *Object) Notify(ctx context.Context, method string, args ...any) error {
	if !o.valid() {
		return failed(breezeway.OpCall, method, errNoObject)
	}
	params, err := encode(args)
	if err == nil {
		err = o.via.do(ctx, false, func(l *link) error { return l.notify(ctx, fullName(o.name, method), params) })
	}
	return failed(breezeway.OpCall, fullName(o.name, method), err)
}

// Stream calls a method that yields items, and returns an iterator over them: the method
// runs when the loop begins, and is cancelled when the loop is left. At most 64 items are on
// their way, so a slow loop slows the method down. An error comes last, with a zero item;
// errors are those of [Call]. A method that is no stream yields its result.
func Stream[Item any](ctx context.Context, o *Object, method string, args ...any) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var zero Item
		var left bool
		err := o.stream(ctx, method, args, func(text json.RawMessage) (bool, error) {
			var item Item
			if err := decode(text, &item); err != nil {
				return false, err
			}
			left = !yield(item, nil)
			return !left, nil
		})
		if err != nil && !left {
			yield(zero, err)
		}
	}
}

// stream calls each with every item until it returns false or an error.
func (o *Object) stream(ctx context.Context, method string, args []any, each func(json.RawMessage) (bool, error)) error {
	if !o.valid() {
		return failed(breezeway.OpCall, method, errNoObject)
	}
	params, err := encode(args)
	if err == nil {
		err = o.via.do(ctx, false, func(l *link) error {
			var failure error
			err := l.stream(ctx, fullName(o.name, method), params, func(item json.RawMessage) bool {
				more, err := each(item)
				failure = err
				return more && err == nil
			})
			if failure != nil {
				return failure
			}
			return err
		})
	}
	return failed(breezeway.OpCall, fullName(o.name, method), err)
}
