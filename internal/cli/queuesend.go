package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/breezeway-ipc/breezeway/mq"
)

// enqueue puts messages into a queue.
func (s *client) enqueue(ctx context.Context, words []string) (err error) {
	switch {
	case s.each && len(words) > 0:
		return usagef("--each sends the lines of standard input or a terminal; leave the text out, or --each")
	case s.id != "" && (s.each || len(words) == 0 && isTyped()):
		return usagef("--id names one message, and there may be several")
	}
	if s.given("type") && s.of < 1 {
		return usagef("--type %d; a message has a type of at least 1", s.of)
	}
	r, err := s.rule()
	if err != nil {
		return err
	}
	q, err := s.target.queue.open(s.target, r, s.of)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	switch {
	case len(words) > 0:
		text := strings.Join(words, " ")
		s.done.setText(text)
		return s.put(ctx, q, []byte(text))
	case isTyped():
		return s.prompt(s.numbered(func(line string) error { return s.put(ctx, q, []byte(line)) }))
	case s.each:
		return s.eachLine(s.numbered(func(line string) error { return s.put(ctx, q, []byte(line)) }))
	}
	body, err := s.readBody(ctx, q)
	if err != nil {
		return err
	}
	return s.put(ctx, q, body)
}

// numbered makes the error of a line say which line it is.
func (s *client) numbered(do func(line string) error) func(line string) error {
	n := 0
	return func(line string) error {
		n++
		if err := do(line); err != nil {
			return &exit{exitOf(err).code, fmt.Errorf("line %d: %w", n, err)}
		}
		return nil
	}
}

// readBody reads standard input as one message.
func (s *client) readBody(ctx context.Context, q mq.Queue) ([]byte, error) {
	st, err := q.Stats(ctx)
	if err != nil {
		return nil, err
	}
	in := io.Reader(os.Stdin)
	if st.MaxMessage >= 0 {
		in = io.LimitReader(in, int64(st.MaxMessage)+1)
	}
	body, err := io.ReadAll(in)
	if err == nil && st.MaxMessage >= 0 && len(body) > st.MaxMessage {
		err = fmt.Errorf("standard input is more than one message of %s can have, %d bytes; with --each every line is a message", s.target, st.MaxMessage)
	}
	return body, err
}

// put sends one message.
func (s *client) put(ctx context.Context, q mq.Queue, body []byte) error {
	ctx, cancel := s.bounded(ctx, "%s is still full after %v")
	defer cancel()
	defer s.err.hintIfSlow(fmt.Sprintf("waiting for room in %s, Ctrl-C stops", s.target))()
	err := q.Send(ctx, mq.Outgoing{Body: body, Priority: s.priority, TTL: s.ttl, ID: s.id})
	if s.json {
		s.messages, s.bytes = 0, 0
		if err == nil {
			s.messages, s.bytes = 1, int64(len(body))
		}
		err = errors.Join(err, s.report(err))
	}
	return err
}
