package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/spf13/cobra"
)

func newSend() *cobra.Command {
	s := &client{out: newScreen(os.Stdout), err: newScreen(os.Stderr)}
	cmd := &cobra.Command{
		Use:   "send URL [TEXT]...",
		Short: "Send text to the server at a URL",
		Long: `send waits for a server at a URL, sends it text, and waits until the server has
read everything. It exits with 1 if the server closed without doing so, and with
3 if --timeout ended a wait: for the server, for it to read everything, or for its
answer. That everything was read does not say that it was understood: ask for a
--reply if the server gives one.

The text comes from
  the arguments        joined by spaces, with a newline at the end as echo has it
                       (--no-newline leaves it off; a message of --message has none)
  standard input       byte by byte; with --lines or --message line by line
  a terminal           line by line, each with a newline, until ` + "`exit`" + ` or Ctrl-D

--reply prints what comes back: for each line of --lines a line, for each message
of --message a message, and otherwise everything until the server closes, after
telling it that no more will come. Windows can't tell it that: there, and for
each line of a terminal, it is what one read gives.

With --json each line is an object with these fields, where they apply:
  event       sent (at the end, if there was a server), reply
  time        RFC 3339
  url         as given; address: where that is on this system
  peer        the server's pid, user (uid or SID), executable
  text        what was sent, if the arguments said it; what was replied;
              base64 instead if that is not valid text
  messages    how many arguments' texts, lines, messages or blocks were sent
  bytes       how many bytes were sent, in the encoding of the way
  drained     true if the server has read everything; left out if the system
              can't tell (FIFO, macOS, Windows if the server closed quickly)
  error       what went wrong; the exit code tells too`,
		Example: `  ipc send pipe://chat hello
  ipc send pipe://chat                        # asks for lines
  ipc send pipe://upper --reply < letter.txt
  ipc send pipe://calc --lines --reply --timeout 3s 1 + 2
  ipc send fifo:///tmp/log started`,
		Args:              takes(1, math.MaxInt, "a URL, such as pipe://chat, and perhaps text"),
		ValidArgsFunction: completeURL("send"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.run(cmd.Context(), args[0], args[1:])
		},
	}
	s.register(cmd)
	s.registerTrust(cmd)
	f := cmd.Flags()
	f.BoolVar(&s.noNewline, "no-newline", false, "add no newline to arguments or lines of a terminal")
	f.BoolVarP(&s.reply, "reply", "r", false, "wait for the answer and print it")
	f.BoolVar(&s.raw, "raw", false, "print the answer as it is even on a terminal")
	f.VarP((*waitTime)(&s.timeout), "timeout", "t", "give up a wait after TIME, such as 3 (seconds) or 300ms")
	return cmd
}

// client is one run of send.
type client struct {
	streamFlags
	noNewline, reply, raw bool
	timeout               time.Duration

	out, err    screen
	target      target
	destination *destination
	done        event // the report
	messages    int
	bytes       int64
	midLine     bool // on the terminal
}

func (s *client) run(ctx context.Context, url string, words []string) (err error) {
	if s.target, err = parseURLFor("send", url); err != nil {
		return err
	}
	cfg, err := s.config(s.target)
	if err != nil {
		return err
	}
	switch {
	case s.reply && s.target.stream.oneWay:
		return usagef("%s has no way back, so there is no --reply", withArticle(s.target.noun))
	case s.reply && cfg.Direction == pipe.Out:
		return usagef("--reply needs a way back, and --direction out has none")
	case cfg.Direction == pipe.In && (len(words) > 0 || !s.reply):
		return usagef("--direction in only reads: say --reply, and no text")
	}
	if err := s.dial(ctx, cfg); err != nil {
		return err
	}
	defer s.destination.writer.Close()
	err = s.explain(s.exchange(ctx, cfg, words))
	if s.json {
		s.report(err)
	}
	return err
}

// dial waits for the server.
func (s *client) dial(ctx context.Context, cfg *pipe.Config) error {
	ctx, cancel := s.bounded(ctx, "no server at %s within %v; start one with `ipc serve %[1]s`")
	defer cancel()
	defer s.err.hintIfSlow(fmt.Sprintf("waiting for a server at %s, Ctrl-C stops", s.target))()
	out, err := s.target.stream.dial(ctx, s.target, cfg)
	if err != nil {
		return err
	}
	s.destination, s.done.Address, s.done.Peer = out, out.address, out.peer
	return nil
}

// bounded returns a context that --timeout ends. Its cause then says what didn't
// happen, a format of the target and the time.
func (s *client) bounded(ctx context.Context, what string) (context.Context, context.CancelFunc) {
	if s.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, s.timeout, &exit{exitTimeout, fmt.Errorf(what, s.target, s.timeout)})
}

func (s *client) deadline() time.Time {
	if s.timeout == 0 {
		return time.Time{}
	}
	return time.Now().Add(s.timeout)
}

// explain says what an error of the exchange means for what was sent.
func (s *client) explain(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &exit{exitTimeout, fmt.Errorf("the server at %s neither read nor answered within %v", s.target, s.timeout)}
	case errors.Is(err, io.ErrClosedPipe), errors.Is(err, syscall.ECONNRESET):
		s.done.Drained = new(bool)
		return fmt.Errorf("the server at %s closed without having read everything; what it missed is lost", s.target)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("the server at %s closed without an answer", s.target)
	}
	return err
}

// report prints what is known at the end.
func (s *client) report(err error) {
	e := s.done
	e.Event, e.Time, e.URL = "sent", time.Now(), s.target.String()
	e.Messages, e.Bytes = &s.messages, &s.bytes
	if err != nil {
		e.Error = err.Error()
	}
	io.WriteString(s.out, e.String())
}
