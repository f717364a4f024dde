package ipcbench

import (
	"context"
	"errors"
	"io"
)

// stream is a link over what carries bytes.
type stream struct {
	in     io.Reader
	out    io.Writer
	closes []io.Closer

	room, received []byte
	n              int         // the size of the message in room
	forget         func() bool // ends the watch on the context
}

// newStream returns a link that reads from in and writes to out. Both are closed with it,
// and when e's context ends, which ends what waits for them.
func newStream(e *end, in io.ReadCloser, out io.WriteCloser) *stream {
	s := &stream{in: in, out: out, closes: []io.Closer{in}, room: make([]byte, e.size), received: make([]byte, e.size)}
	if out != io.WriteCloser(nil) && any(out) != any(in) {
		s.closes = append(s.closes, out)
	}
	if e.mode == Spin {
		s.in, s.out = spinReader(e, in), out
	}
	s.forget = context.AfterFunc(e.ctx, func() { s.closeAll() })
	return s
}

func (s *stream) Room(n int) ([]byte, error) {
	s.n = n
	return s.room[:n], nil
}

func (s *stream) Send() error {
	_, err := s.out.Write(s.room[:s.n])
	return err
}

func (s *stream) Receive(n int) ([]byte, error) {
	b := s.received[:n]
	_, err := io.ReadFull(s.in, b)
	return b, err
}

func (s *stream) Release() error { return nil }

func (s *stream) Close() error {
	if !s.forget() {
		return nil // it is closed, or being closed
	}
	return s.closeAll()
}

func (s *stream) closeAll() error {
	var errs []error
	for _, c := range s.closes {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
