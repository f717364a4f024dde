package cli

import (
	"context"
	"errors"
	"sync"

	"github.com/breezeway-ipc/breezeway/internal/watch"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/socket"
)

// pipeConns are connections of a named pipe.
var pipeConns = connecting{
	listen: func(_ context.Context, t target, _ *streamFlags, cfg *pipe.Config) (streamListener, error) {
		cfg.MaxMessage = int(t.options.Size("max-message"))
		if err := t.optionError(); err != nil {
			return nil, err
		}
		l, err := pipe.Listen(t.name, cfg)
		if err != nil {
			return nil, err
		}
		return adapted[*pipe.Conn]{l, func(c *pipe.Conn) streamConn { return c }}, nil
	},
	dial: func(ctx context.Context, t target, _ *streamFlags, cfg *pipe.Config) (streamConn, error) {
		cfg.MaxMessage = int(t.options.Size("max-message"))
		if err := t.optionError(); err != nil {
			return nil, err
		}
		c, err := pipe.DialWait(ctx, t.name, cfg)
		if err != nil {
			return nil, err
		}
		return c, nil
	},
}

// serveAt serves the connections of l, which it owns, until ctx ends.
func (s *server) serveAt(ctx context.Context, l streamListener) error {
	defer l.Close()
	s.announce(l.Addr().String())
	var connections sync.WaitGroup
	if err := s.accept(ctx, l, &connections); err != nil {
		s.fail(err)
	}
	l.Close()
	connections.Wait()
	return s.failure
}

// accept starts to serve connections until we stop, or until it has started as
// many as --count says for --exec.
func (s *server) accept(ctx context.Context, l streamListener, connections *sync.WaitGroup) error {
	door, closeDoor := context.WithCancel(ctx)
	defer closeDoor()
	s.visitors.onLastCall(closeDoor)
	var pause watch.Backoff
	for n := 1; ; {
		c, err := l.AcceptContext(door)
		switch {
		case err == nil:
		case door.Err() != nil, errors.Is(err, socket.ErrHandedOver):
			return nil
		case isPassing(err):
			pause.Sleep(door) // out of descriptors, perhaps: clients that leave give them back
			continue
		default:
			return err
		}
		pause = watch.Backoff{}
		v := s.visitors.enter(c, sender{c.Peer(), n, c.RemoteAddr().String()})
		connections.Go(func() { s.serve(ctx, v) })
		if s.command != nil && n == s.count {
			return nil
		}
		n++
	}
}

// isPassing reports whether an Accept failed by a shortage that ends when clients leave.
func isPassing(err error) bool {
	var passing interface{ Temporary() bool }
	return errors.As(err, &passing) && passing.Temporary()
}
