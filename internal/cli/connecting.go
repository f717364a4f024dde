package cli

import (
	"context"
	"net"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// connecting is how a kind of connection is listened for and dialled: all that serve, send
// and receive need to know of it. cfg is what the flags say in the words of a named
// pipe; the others take what they need from the flags.
type connecting struct {
	listen func(ctx context.Context, t target, o *streamFlags, cfg *pipe.Config) (streamListener, error)
	dial   func(ctx context.Context, t target, o *streamFlags, cfg *pipe.Config) (streamConn, error) // waits for the server
}

// serve serves connections until ctx ends.
func (k connecting) serve(ctx context.Context, s *server, cfg *pipe.Config) error {
	confirming := *cfg
	confirming.Confirm = s.command == nil // what isn't shown doesn't count as read
	l, err := k.listen(ctx, s.target, &s.streamFlags, &confirming)
	if err != nil {
		return err
	}
	return s.serveAt(ctx, l)
}

// send waits for the server, for send.
func (k connecting) send(ctx context.Context, s *client, cfg *pipe.Config) (*destination, error) {
	c, err := k.dial(ctx, s.target, &s.streamFlags, cfg)
	if err != nil {
		return nil, err
	}
	return &destination{writer: c, conn: c, address: c.RemoteAddr().String(), peer: infoOf(c.Peer())}, nil
}

// receive waits for the server, for receive.
func (k connecting) receive(ctx context.Context, r *receiver) (*source, error) {
	rule, err := r.rule()
	if err != nil {
		return nil, err
	}
	cfg := &pipe.Config{Direction: pipe.In, Message: r.message, Confirm: true, Trust: rule.trust}
	c, err := k.dial(ctx, r.target, &r.streamFlags, cfg)
	if err != nil {
		return nil, err
	}
	return &source{
		next: r.units(c), setDeadline: c.SetReadDeadline, confirm: c.Confirm, close: c.Close,
		address: c.RemoteAddr().String(), peer: infoOf(c.Peer()),
	}, nil
}

// listenerOf is a listener whose connections are of type C.
type listenerOf[C any] interface {
	AcceptContext(context.Context) (C, error)
	Close() error
	Addr() net.Addr
}

// adapted is a listener whose connections are made streamConns.
type adapted[C any] struct {
	listenerOf[C]
	adapt func(C) streamConn
}

func (l adapted[C]) AcceptContext(ctx context.Context) (streamConn, error) {
	c, err := l.listenerOf.AcceptContext(ctx)
	if err != nil {
		return nil, err
	}
	return l.adapt(c), nil
}
