package worker

import (
	"context"
	"io"
)

// state is what each process has one of. A process calls one function at a time.
type state[S any] struct {
	open  func(context.Context) (S, error)
	value S
	made  bool
}

func (s *state[S]) get(ctx context.Context) (S, error) {
	if !s.made {
		value, err := s.open(ctx)
		if err != nil {
			return value, err
		}
		s.value, s.made = value, true
	}
	return s.value, nil
}

func (s *state[S]) close() error {
	if c, ok := any(s.value).(io.Closer); ok && s.made {
		return c.Close()
	}
	return nil
}
