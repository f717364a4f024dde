package rpc

import (
	"context"
	"encoding/json"
	"net"

	"github.com/breezeway-ipc/breezeway"
)

// Incoming is a call that this end executes, as interceptors and methods see it.
type Incoming struct {
	Object string // the object's name, "" for a function
	Method string
	// Params are the arguments as they came: a JSON array, or an object; nil if none.
	Params json.RawMessage
	// Notification says that the caller gets neither a result nor an error.
	Notification bool
	// Peer is the process at the other end if the connection tells it; otherwise UID and
	// GID are -1.
	Peer breezeway.Peer

	link *link
}

// Interceptor is called around a call. It calls next at most once, with ctx or a context
// derived from it, and returns what that returned or something else: an error refuses the
// call, and if next was not called the method does not run. A panic becomes an error. For
// a stream next returns when the last item was sent.
type Interceptor func(ctx context.Context, in *Incoming, next func(context.Context) (any, error)) (any, error)

type incomingKey struct{}

// IncomingFrom returns the call that a method was called by, given the context that it got.
// ok is false for any other context.
func IncomingFrom(ctx context.Context) (in *Incoming, ok bool) {
	in, ok = ctx.Value(incomingKey{}).(*Incoming)
	return in, ok
}

// Caller returns an object that the caller has registered, for callbacks. It can be used
// until the connection ends, also after the call.
func (in *Incoming) Caller(object string) *Object {
	if in == nil || in.link == nil {
		return &Object{name: object}
	}
	return &Object{name: object, via: in.link}
}

// Conn returns the connection that the call came by, so that an interceptor can ask it: TLS for
// the client's certificate by ConnectionState, a connection of this module for its Peer. It must
// neither be read, written nor closed. It is nil for an Incoming that this package has not made.
func (in *Incoming) Conn() net.Conn {
	if in == nil || in.link == nil {
		return nil
	}
	return in.link.conn
}

// FullName returns the name on the wire: "Calc.Add", or "Add" without an object.
func (in *Incoming) FullName() string {
	if in == nil {
		return ""
	}
	return fullName(in.Object, in.Method)
}

func fullName(object, method string) string {
	if object == "" {
		return method
	}
	return object + "." + method
}
