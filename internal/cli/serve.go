package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/spf13/cobra"
)

func newServe() *cobra.Command {
	s := &server{out: newScreen(os.Stdout), err: newScreen(os.Stderr)}
	cmd := &cobra.Command{
		Use:   "serve URL",
		Short: "Listen at a URL and print what arrives",
		Long: `serve listens at a URL and prints what arrives, with the time and the sender's
program and pid (information, not proof: it may have ended). It serves many
clients at a time, and stops, giving the name up, by --until, --count, Ctrl-C,
SIGTERM, SIGHUP or SIGQUIT; all of these exit with 0.

After the word of --until it accepts no more connections. Those that it has
accepted are read to their end; of those still open after --grace a warning tells. What
follows the word on its own connection is not read. What clients sent that have
closed is printed in the order in which they connected; otherwise what arrives is
printed as it comes.

What couldn't be printed doesn't count as read: ipc send, and others that look, learn
that it is lost.

One arrival is what one read gives, or a line with --lines, or a message with
--message. Lines above 1 MiB are split. What isn't printable is shown as an escape
sequence, so that a client can't control the server's terminal.

URL may have the options of ipc relay's URLs, as in unix:///run/s?mode=0660&max-conns=10.
With hand-over=PATH (Linux) the next ipc serve with the same URL takes the listener over
from this one, which then ends when its connections have.

A FIFO that does not exist is created, and removed at the end. It stays open between
writers. The system does not tell which processes they are.

With --exec every connection is handed to a process of its own: what arrives is
its standard input, what it prints goes back. The words are split and variables
expanded as by a shell, but no shell runs.

With --json each line is an object with these fields, where they apply:
  event       listening, message, exit (of --exec), error
  time        RFC 3339
  url         as given; address: where that is on this system
  connection  counts from 1
  peer        pid, user (uid or SID), executable
  text        what arrived; base64 instead if that is not valid text
  split       true if the line goes on in the next event
  exit        the command's exit code, -1 if a signal ended it
  error       what went wrong with one connection; the others go on`,
		Example: `  ipc serve pipe://chat
  ipc serve pipe://chat --lines --until shutdown
  ipc serve pipe://upper --exec 'tr a-z A-Z'
  ipc serve pipe://jobs --message --echo --count 10 --json
  ipc serve shmnet://quick --echo
  ipc serve fifo:///tmp/log --lines`,
		Args:              takes(1, 1, "one URL, such as pipe://chat"),
		ValidArgsFunction: completeURL("serve"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("exec") && s.execute == "" {
				return usagef("--exec lacks a command")
			}
			if cmd.Flags().Changed("grace") && !cmd.Flags().Changed("until") {
				return usagef("--grace is for --until")
			}
			return s.run(cmd.Context(), args[0], cmd.Flags().Changed("until"))
		},
	}
	f := cmd.Flags()
	s.register(cmd, tlsServer)
	s.registerAdmit(cmd)
	s.registerTrust(cmd)
	f.StringVar(&s.until, "until", "", "stop when a message or line equal to `TEXT` arrives")
	s.grace = time.Second
	f.Var((*waitTime)(&s.grace), "grace", "after --until, read open connections for `TIME`")
	f.IntVar(&s.count, "count", 0, "stop after `N` arrivals; with --exec, connections")
	f.BoolVar(&s.echo, "echo", false, "send back what arrives")
	f.StringVar(&s.execute, "exec", "", "hand each connection to a `COMMAND`")
	f.BoolVar(&s.raw, "raw", false, "print what arrives as it is, and nothing else")
	return cmd
}

// server is one run of serve.
type server struct {
	streamFlags
	until    string
	hasUntil bool
	count    int
	echo     bool
	execute  string
	raw      bool
	grace    time.Duration

	target   target
	command  []string
	stop     context.CancelFunc
	visitors visitors

	mu       sync.Mutex // guards what follows, and keeps what is printed whole
	out, err screen
	arrived  int
	failure  error
}

func (s *server) run(ctx context.Context, url string, hasUntil bool) (err error) {
	s.hasUntil = hasUntil
	if s.target, err = parseURLFor("serve", url); err != nil {
		return err
	}
	if err := s.takeOptions(s.target); err != nil {
		return err
	}
	if s.target.query != "" {
		s.trust = nil // it is for clients, which may have the same URL
	}
	cfg, err := s.config(s.target)
	if err != nil {
		return err
	}
	if err := s.check(cfg); err != nil {
		return err
	}
	ctx, s.stop = untilSignal(ctx)
	defer s.stop()
	context.AfterFunc(ctx, s.stop) // from now on another signal kills
	// A standard output without a reader is an error, and doesn't kill this process.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return s.target.stream.serve(ctx, s, cfg)
}

func (s *server) check(cfg *pipe.Config) (err error) {
	oneWay := s.target.stream.oneWay
	switch {
	case s.count < 0:
		return usagef("--count %d is negative", s.count)
	case s.execute != "" && (s.echo || s.lines || s.message || s.hasUntil || s.raw):
		return usagef("--exec hands over the bytes as they are: --echo, --lines, --message, --until and --raw don't go with it")
	case s.raw && s.json:
		return usagef("--raw and --json exclude each other")
	case oneWay && (s.echo || s.execute != ""):
		return usagef("%s has no way back, so --echo and --exec don't go with it; for a command, redirect its input: COMMAND < %s", withArticle(s.target.noun), s.target.name)
	case oneWay && s.allow != nil:
		return usagef("%s admits users by --mode alone; leave --allow out", withArticle(s.target.noun))
	case !oneWay && s.trust != nil:
		return usagef("serve creates %s, and --allow says which users that admits; --trust is for what exists", s.target)
	case cfg.Direction == pipe.In && s.echo:
		return usagef("--echo needs a way back, and --direction in has none")
	case cfg.Direction == pipe.Out && s.execute == "":
		return usagef("with --direction out there is nothing to print; say with --exec what to send")
	}
	if s.execute == "" {
		return nil
	}
	if s.command, err = splitCommand(s.execute); err != nil {
		return err
	}
	_, err = exec.LookPath(s.command[0])
	return err
}

// linesOf returns the lines of a text without their ends.
func linesOf(text string) []string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// sender is the process that an arrival comes from.
type sender struct {
	peer       breezeway.Peer
	connection int // 0 for a FIFO, which doesn't tell its writers
	address    string
}

// serve deals with one connection.
func (s *server) serve(ctx context.Context, v *visitor) {
	defer s.visitors.leave(v)
	// A stop ends reading at once. An answer that is on its way has a second.
	stopped := make(chan struct{})
	unlessStopped := context.AfterFunc(ctx, func() {
		v.SetReadDeadline(time.Now())
		v.SetWriteDeadline(time.Now().Add(time.Second))
		close(stopped)
	})
	var err error
	if s.command != nil {
		err = s.runCommand(ctx, v.streamConn, v.sender)
	} else {
		err = s.readConn(ctx, v)
	}
	if !unlessStopped() {
		<-stopped // its deadlines come before those of linger
	}
	if c, ok := v.streamConn.(socketConn); ok && err == nil {
		c.linger()
	}
	if err != nil && ctx.Err() == nil && !s.visitors.isDone(v) {
		s.complain(v.sender, err)
	}
}

// readConn prints what one connection brings. A unit that is printed is confirmed,
// by the next read at the latest; one that isn't is not, so that its sender learns of
// it.
func (s *server) readConn(ctx context.Context, v *visitor) error {
	last, err := s.read(s.units(v.streamConn), v, func(u unit) (last, ok bool) {
		s.visitors.awaitTurn(ctx, v)
		if last, ok = s.arrive(ctx, u, v.sender); last {
			s.visitors.finish(v)
		}
		return last, ok
	})
	if last.more || err != nil {
		return err
	}
	return v.Confirm()
}

// read takes one unit after the other, until the end, or one after which to stop,
// which it returns.
func (s *server) read(next func() (unit, error), back io.Writer, arrive func(unit) (last, ok bool)) (unit, error) {
	for {
		u, err := next()
		if err == io.EOF || errors.Is(err, syscall.ECONNRESET) { // reset: the client didn't wait for our answer
			return unit{}, nil
		}
		if err != nil {
			return u, err
		}
		last, ok := arrive(u)
		if !ok {
			return unit{more: true}, nil
		}
		if s.echo {
			_, err = back.Write(s.encode(u.text, s.lines && !u.split))
		}
		if last {
			s.end()
		}
		if last || err != nil {
			return u, err
		}
	}
}

// end stops after the last unit: after enough at once, after the word of --until
// when what had come before is read.
func (s *server) end() {
	s.mu.Lock()
	enough := s.arrived == s.count
	s.mu.Unlock()
	if enough || s.target.stream.oneWay {
		s.stop()
		return
	}
	s.visitors.callLast(s.grace, s.sendAway)
}

// arrive prints a unit unless enough have come. last says that it is the one to
// stop after, ok that it was printed.
func (s *server) arrive(ctx context.Context, u unit, from sender) (last, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil || s.count > 0 && s.arrived >= s.count {
		return false, false
	}
	s.arrived++
	s.printUnit(u, from)
	return s.arrived == s.count || s.hasUntil && slices.Contains(linesOf(u.text), s.until), s.failure == nil
}
