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

	"github.com/breezeway-ipc/breezeway/internal/watch"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/spf13/cobra"
)

func newSend() *cobra.Command {
	s := &client{out: newScreen(os.Stdout), err: newScreen(os.Stderr)}
	s.answers = printer{streamFlags: &s.streamFlags, out: s.out, kind: "reply"}
	cmd := &cobra.Command{
		Use:   "send URL [TEXT]...",
		Short: "Send text to the server or the queue at a URL",
		Long: `send waits for a server at a URL, sends it text, and waits until the server has
read everything. It exits with 1 if the server closed without doing so, and with
3 if --timeout ended a wait: for the server, for it to read everything, or for its
answer. That everything was read does not say that it was understood: ask for a
--reply if the server gives one. TCP doesn't tell what was read: there send waits up to a
second for the server to close, and fails if it refused the client or reset the connection.

A message queue needs no server: send ends when the message is in the queue. It exits with 3
if the queue is still full at --timeout. Standard input is one message, with --each every
line of it. Messages of System V queues have a --type; which queue a path stands for is up
to --project too, as in ftok(3).

The text comes from
  the arguments        joined by spaces, with a newline at the end as echo has it
                       (--no-newline leaves it off; a message of --message has none)
  standard input       byte by byte; with --lines or --message line by line
  a terminal           line by line, each with a newline, until ` + "`exit`" + ` or Ctrl-D

--each sends each line by a connection of its own, as if it were the text of an ipc
send of its own: for servers that serve a client at a time and take one message of
each. At the first line that fails it stops, and says which it is.

--retry sends a text, or a line of --each, again if the server closed without having
read everything, as servers do that end, or begin anew, while a client waits. The
server may then have some of it twice.

--reply prints what comes back: for each line of --lines a line, for each message
of --message a message, and otherwise everything until the server closes, after
telling it that no more will come. Windows can't tell it that: there, and for
each line of a terminal, it is what one read gives.

With --json each line is an object with these fields, where they apply:
  event       sent (at the end, if there was a server; with --each for each line), reply
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
  ipc send pipe://csharp --each --retry 3 < orders.txt
  ipc send fifo:///tmp/log started
  ipc send mq://jobs --priority 5 build all
  ipc send mq://jobs --each < jobs.txt
  ipc send mq+sysv:///tmp/app --project A --type 3 reload`,
		Args:              takes(1, math.MaxInt, "a URL, such as pipe://chat, and perhaps text"),
		ValidArgsFunction: completeURL("send"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s.given = cmd.Flags().Changed
			return s.run(cmd.Context(), args[0], args[1:])
		},
	}
	s.register(cmd, tlsClient)
	s.registerTrust(cmd)
	f := cmd.Flags()
	f.BoolVar(&s.noNewline, "no-newline", false, "add no newline to arguments or lines of a terminal")
	f.BoolVarP(&s.reply, "reply", "r", false, "wait for the answer and print it")
	f.BoolVar(&s.each, "each", false, "send each line by a connection of its own")
	f.IntVar(&s.retry, "retry", 0, "send up to `N` times again what the server did not read")
	f.IntVarP(&s.priority, "priority", "p", 0, "of a message in a queue: 0 to 31, high first")
	f.Var((*waitLimit)(&s.ttl), "ttl", "drop the message if it waits in the queue for longer than TIME")
	f.StringVar(&s.id, "id", "", "the `NAME` that the receiver of a message is told")
	f.IntVar(&s.of, "type", 0, "of a message in a System V queue: `N`, at least 1 (default 1)")
	s.registerProject(cmd)
	f.BoolVar(&s.answers.raw, "raw", false, "print the answer as it is even on a terminal")
	f.VarP((*waitLimit)(&s.timeout), "timeout", "t", "give up a wait after TIME, such as 3 (seconds) or 300ms")
	return cmd
}

// client is one run of send.
type client struct {
	streamFlags
	noNewline, reply, each bool
	retry, priority, of    int
	timeout, ttl           time.Duration
	id                     string
	given                  func(flag string) bool

	out, err    screen
	target      target
	destination *destination
	done        event // the report
	messages    int
	bytes       int64
	answers     printer
	lost        bool // the server closed without having read everything
}

func (s *client) run(ctx context.Context, url string, words []string) (err error) {
	if s.target, err = parseURLFor("send", url); err != nil {
		return err
	}
	if err := s.takeOptions(s.target); err != nil {
		return err
	}
	if err := s.target.checkFlags(s.given); err != nil {
		return err
	}
	if err := s.checkProject(s.target); err != nil {
		return err
	}
	if s.given("raw") && !s.reply {
		return usagef("--raw is about the answer, which --reply prints")
	}
	if s.target.queue != nil {
		return s.enqueue(ctx, words)
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
	case cfg.Direction == pipe.In:
		return usagef("--direction in sends nothing; what a server sends is shown by: ipc receive %s", s.target)
	case s.retry < 0:
		return usagef("--retry %d is negative", s.retry)
	case s.retry > 0 && s.target.stream.oneWay:
		return usagef("%s does not tell what was read, so there is no --retry", withArticle(s.target.noun))
	case s.each && len(words) > 0:
		return usagef("--each sends the lines of standard input or a terminal; leave the text out, or --each")
	case s.retry > 0 && !s.each && len(words) == 0:
		return usagef("--retry needs text as arguments, or --each: what is read from standard input is gone")
	case !s.each:
		return s.deliver(ctx, cfg, words)
	}
	lines := s.eachLine
	if isTyped() {
		lines = s.prompt
	}
	return lines(s.numbered(func(line string) error { return s.deliver(ctx, cfg, []string{line}) }))
}

// deliver sends all by a connection, again if --retry says so.
func (s *client) deliver(ctx context.Context, cfg *pipe.Config, words []string) (err error) {
	s.answers.printed = false
	var pause watch.Backoff
	for try := 0; ; try++ {
		s.done, s.messages, s.bytes, s.lost = event{}, 0, 0, false
		if err := s.dial(ctx, cfg); err != nil {
			return err
		}
		err = s.explain(s.exchange(ctx, words))
		s.destination.writer.Close()
		if !s.lost || s.answers.printed || try == s.retry {
			break
		}
		if err := pause.Sleep(ctx); err != nil {
			return err
		}
	}
	if s.json {
		err = errors.Join(err, s.report(err))
	}
	return err
}

// dial waits for the server.
func (s *client) dial(ctx context.Context, cfg *pipe.Config) error {
	ctx, cancel := s.bounded(ctx, "no server at %s within %v; start one with `ipc serve %[1]s`")
	defer cancel()
	defer s.err.hintIfSlow(fmt.Sprintf("waiting for a server at %s, Ctrl-C stops", s.target))()
	out, err := s.target.stream.dial(ctx, s, cfg)
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
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		if refusal := s.refusal(err); refusal != nil {
			return refusal
		}
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &exit{exitTimeout, fmt.Errorf("the server at %s neither read nor answered within %v", s.target, s.timeout)}
	case errors.Is(err, io.ErrClosedPipe), errors.Is(err, syscall.ECONNRESET):
		s.done.Drained = new(bool)
		return s.explainLoss()
	case errors.Is(err, io.EOF):
		return fmt.Errorf("the server at %s closed without an answer", s.target)
	}
	return err
}

// explainLoss says of a server that did not read everything what is known.
func (s *client) explainLoss() error {
	c := s.destination.conn
	if c != nil && !c.PeerClosed() {
		return fmt.Errorf("the server at %s does not read, it only sends; to see what it sends: ipc receive %[1]s", s.target)
	}
	s.lost = true
	hint := ""
	if c != nil && !s.target.stream.socket {
		hint = "; " + map[bool]string{
			true:  "if it is in byte mode, leave --message out",
			false: "if it is in message mode, say --message",
		}[s.message]
	}
	return fmt.Errorf("the server at %s closed without having read everything; what it missed is lost%s", s.target, hint)
}

// report prints what is known at the end.
func (s *client) report(err error) error {
	e := s.done
	e.Event, e.Time, e.URL = "sent", time.Now(), s.target.String()
	e.Messages, e.Bytes = &s.messages, &s.bytes
	if err != nil {
		e.Error = err.Error()
	}
	_, failed := io.WriteString(s.out, e.String())
	return failed
}
