package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/term"
	"golang.org/x/text/transform"
)

// exchange sends everything, prints what comes back, and waits until all is read.
func (s *client) exchange(ctx context.Context, words []string) error {
	c := s.destination.conn
	typed := len(words) == 0 && isTyped()
	canHalfClose := runtime.GOOS != "windows"
	var err error
	switch {
	case !s.reply:
		err = s.sendAll(words, typed, nil)
	case s.lines || s.message || typed || !canHalfClose:
		err = s.sendAll(words, typed, s.units(c))
	default:
		err = s.exchangeStreams(c, words)
	}
	if err != nil || c == nil {
		return err
	}
	return s.drain(ctx, c)
}

// isTyped reports whether standard input is a terminal.
func isTyped() bool { return term.IsTerminal(int(os.Stdin.Fd())) }

// exchangeStreams sends all and prints until the server closes. It reads the answer
// while it sends, since a server that answers early would otherwise wait for it to
// be read.
func (s *client) exchangeStreams(c streamConn, words []string) error {
	answered := make(chan error, 1)
	go func() { answered <- s.answers.printAll(s.units(c)) }()
	err := s.sendAll(words, false, nil)
	if err == nil {
		err = c.CloseWrite()
	}
	if err == nil {
		c.SetReadDeadline(s.deadline())
	} else { // there may be an answer nevertheless
		c.SetReadDeadline(time.Now().Add(time.Second))
	}
	return errors.Join(err, <-answered)
}

// sendAll sends all there is, and after each part of it prints the answer, if
// next is there to read it.
func (s *client) sendAll(words []string, typed bool, next func() (unit, error)) error {
	switch {
	case len(words) > 0:
		text := strings.Join(words, " ")
		s.done.setText(text)
		return s.send(text, !s.noNewline, next)
	case typed:
		return s.prompt(func(line string) error { return s.send(line, !s.noNewline, next) })
	case s.lines || s.message:
		return s.eachLine(func(line string) error { return s.send(line, true, next) })
	}
	return s.sendStream(next)
}

// send sends one text.
func (s *client) send(text string, newline bool, next func() (unit, error)) error {
	if err := s.write(s.encode(text, newline && !s.message)); err != nil {
		return err
	}
	return s.answer(next)
}

func (s *client) write(b []byte) error {
	s.destination.writer.SetWriteDeadline(s.deadline())
	n, err := s.destination.writer.Write(b)
	s.bytes += int64(n)
	if err == nil {
		s.messages++
	}
	return err
}

func (s *client) answer(next func() (unit, error)) error {
	if next == nil {
		return nil
	}
	s.destination.conn.SetReadDeadline(s.deadline())
	u, err := next()
	if err != nil {
		return err
	}
	return errors.Join(s.answers.print(u), s.answers.endLine())
}

// prompt asks for lines on a terminal.
func (s *client) prompt(do func(line string) error) error {
	in := bufio.NewReader(os.Stdin)
	for {
		if s.err.tty {
			fmt.Fprint(s.err, s.err.paint(cyan, "> "))
		}
		line, err := in.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		switch {
		case err == io.EOF && line == "":
			if s.err.tty {
				fmt.Fprintln(s.err)
			}
			return nil
		case err != nil && err != io.EOF:
			return err
		case line == "exit":
			return nil
		}
		if err := do(line); err != nil {
			return err
		}
	}
}

// eachLine takes the lines of standard input.
func (s *client) eachLine(do func(line string) error) error {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadString('\n')
		if err != nil && (err != io.EOF || line == "") {
			return noEOF(err)
		}
		if err := do(strings.TrimRight(line, "\r\n")); err != nil {
			return err
		}
	}
}

func (s *client) sendStream(next func() (unit, error)) error {
	var in io.Reader = os.Stdin
	if s.encoding != utf8Name {
		in = transform.NewReader(in, encoderOf(s.encoding))
	}
	block := make([]byte, 64<<10)
	for {
		n, err := in.Read(block)
		if n > 0 {
			if err := s.write(block[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return s.answer(next)
		}
		if err != nil {
			return err
		}
	}
}

// verdictPatience is how long send waits for a server to close that it can't ask what it
// has read.
const verdictPatience = time.Second

// awaitVerdict waits until the server has closed, and fails if it refused this client or
// what was sent: a server learns only after the client's handshake which certificate it
// shows. A server that doesn't close soon is taken to have read everything.
func (s *client) awaitVerdict(c streamConn) error {
	err := c.CloseWrite()
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err == nil {
		patience := verdictPatience
		if s.timeout > 0 {
			patience = min(patience, s.timeout)
		}
		c.SetReadDeadline(time.Now().Add(patience))
		_, err = io.Copy(io.Discard, c)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// refusal returns why a TLS server has refused this client, nil if it isn't known to have.
func (s *client) refusal(err error) error {
	c := s.destination.conn
	if c == nil || s.target.scheme != "tls" {
		return nil
	}
	if !errors.Is(err, os.ErrPermission) { // a Write that failed: a Read knows why
		c.SetReadDeadline(time.Now().Add(verdictPatience))
		_, err = io.Copy(io.Discard, c)
	}
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("the server at %s refuses this client: %w", s.target, err)
	}
	return nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// drain waits until the server has read everything.
func (s *client) drain(ctx context.Context, c streamConn) error {
	ctx, cancel := s.bounded(ctx, "the server at %s has not read everything within %v")
	defer cancel()
	err := c.Drain(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		return s.awaitVerdict(c)
	}
	drained := err == nil
	s.done.Drained = &drained
	return err
}
