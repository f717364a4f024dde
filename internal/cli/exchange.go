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

	"github.com/breezeway-ipc/breezeway/pipe"
	"golang.org/x/term"
	"golang.org/x/text/transform"
)

// exchange sends everything, prints what comes back, and waits until all is read.
func (s *client) exchange(ctx context.Context, cfg *pipe.Config, words []string) error {
	c := s.destination.conn
	typed := len(words) == 0 && term.IsTerminal(int(os.Stdin.Fd()))
	canHalfClose := runtime.GOOS != "windows"
	var err error
	switch {
	case cfg.Direction == pipe.In:
		c.SetReadDeadline(s.deadline())
		return s.printAll(s.units(c))
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

// exchangeStreams sends all and prints until the server closes. It reads the answer
// while it sends, since a server that answers early would otherwise wait for it to
// be read.
func (s *client) exchangeStreams(c *pipe.Conn, words []string) error {
	answered := make(chan error, 1)
	go func() { answered <- s.printAll(s.units(c)) }()
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
		return s.prompt(next)
	case s.lines || s.message:
		return s.sendLines(next)
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
	defer s.endLine()
	return s.print(u)
}

// prompt asks for lines on a terminal.
func (s *client) prompt(next func() (unit, error)) error {
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
		if err := s.send(line, !s.noNewline, next); err != nil {
			return err
		}
	}
}

func (s *client) sendLines(next func() (unit, error)) error {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadString('\n')
		if err != nil && (err != io.EOF || line == "") {
			return noEOF(err)
		}
		if err := s.send(strings.TrimRight(line, "\r\n"), true, next); err != nil {
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

func noEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// printAll prints what comes until the server closes.
func (s *client) printAll(next func() (unit, error)) error {
	defer s.endLine()
	for {
		u, err := next()
		if err != nil {
			return noEOF(err)
		}
		if err := s.print(u); err != nil {
			return err
		}
	}
}

// print prints an answer, or a part of one.
func (s *client) print(u unit) error {
	text := u.text
	switch {
	case s.json:
		e := event{Event: "reply", Time: time.Now(), Split: u.split}
		e.setText(text)
		text = e.String()
	case s.raw || !s.out.tty:
		if s.lines && !u.split || s.message && !s.raw {
			text += "\n"
		}
	default:
		text = printable(strings.ReplaceAll(text, "\r\n", "\n"), "\t\n")
		if s.lines || s.message {
			text += "\n"
		}
		s.midLine = !strings.HasSuffix(text, "\n")
	}
	_, err := io.WriteString(s.out, text)
	return err
}

// endLine ends an answer that has not ended its line on the terminal.
func (s *client) endLine() {
	if s.midLine {
		fmt.Fprintln(s.out)
	}
	s.midLine = false
}

// drain waits until the server has read everything.
func (s *client) drain(ctx context.Context, c *pipe.Conn) error {
	ctx, cancel := s.bounded(ctx, "the server at %s has not read everything within %v")
	defer cancel()
	err := c.Drain(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	drained := err == nil
	s.done.Drained = &drained
	return err
}
