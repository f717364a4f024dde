package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/watch"
	"github.com/breezeway-ipc/breezeway/pipe"
)

func createFIFO(_ *creator, t target, r accessRule) (io.Closer, error) {
	return nil, pipe.MakeFIFO(t.path(), &pipe.FIFOConfig{Mode: r.mode})
}

func removeFIFO(t target, _ accessRule) error { return pipe.RemoveFIFO(t.path()) }

// serveFIFO reads a FIFO until ctx ends, as if it were one connection that never
// ends.
func serveFIFO(ctx context.Context, s *server, cfg *pipe.Config) (err error) {
	path := s.target.path()
	if path, err = resolveOrLocate(path); err != nil {
		return err
	}
	fifo := &pipe.FIFOConfig{Mode: cfg.Mode, Trust: cfg.Trust, KeepOpen: true}
	err = pipe.MakeFIFO(path, fifo)
	if err == nil {
		defer func() { err = errors.Join(err, pipe.RemoveFIFO(path)) }()
	} else if !errors.Is(err, os.ErrExist) {
		return err
	}
	f, err := pipe.OpenFIFO(ctx, path, pipe.In, fifo)
	if err != nil {
		return err
	}
	defer f.Close()
	s.announce(path)
	defer context.AfterFunc(ctx, func() { f.SetReadDeadline(time.Now()) })()
	_, err = s.read(s.units(f), nil, func(u unit) (last, ok bool) { return s.arrive(ctx, u, sender{}) })
	if err != nil && ctx.Err() == nil {
		return err
	}
	return s.failure
}

// dialFIFO waits until the FIFO exists and a process reads it.
func dialFIFO(ctx context.Context, s *client, cfg *pipe.Config) (*destination, error) {
	path, err := resolve(s.target.path())
	if err != nil {
		return nil, err
	}
	file := watch.NewName(path)
	defer file.Close()
	for {
		f, err := pipe.OpenFIFO(ctx, path, pipe.Out, &pipe.FIFOConfig{Trust: cfg.Trust})
		switch {
		case err == nil:
			return &destination{writer: f, address: path}, nil
		case !errors.Is(err, os.ErrNotExist):
			return nil, err
		}
		if err := file.Wait(ctx); err != nil {
			return nil, err
		}
	}
}
