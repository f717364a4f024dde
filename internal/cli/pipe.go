package cli

import (
	"context"
	"errors"
	"sync"

	"github.com/breezeway-ipc/breezeway/internal/watch"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// servePipe serves a named pipe until ctx ends.
func servePipe(ctx context.Context, s *server, cfg *pipe.Config) error {
	l, err := pipe.Listen(s.target.name, cfg)
	if err != nil {
		return err
	}
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
func (s *server) accept(ctx context.Context, l *pipe.Listener, connections *sync.WaitGroup) error {
	var pause watch.Backoff
	for n := 1; ; {
		c, err := l.AcceptContext(ctx)
		var passing interface{ Temporary() bool }
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &passing) && passing.Temporary():
			pause.Sleep(ctx) // out of descriptors, perhaps: clients that leave give them back
			continue
		default:
			return err
		}
		pause = watch.Backoff{}
		from := sender{c.Peer(), n}
		connections.Go(func() { s.serve(ctx, c, from) })
		if s.command != nil && n == s.count {
			return nil
		}
		n++
	}
}

// dialPipe waits for the server of a named pipe.
func dialPipe(ctx context.Context, t target, cfg *pipe.Config) (*destination, error) {
	c, err := pipe.DialWait(ctx, t.name, cfg)
	if err != nil {
		return nil, err
	}
	return &destination{writer: c, conn: c, address: c.RemoteAddr().String(), peer: infoOf(c.Peer())}, nil
}
