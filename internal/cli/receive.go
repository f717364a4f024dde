package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

func newReceive() *cobra.Command {
	r := &receiver{err: newScreen(os.Stderr)}
	r.printer = printer{streamFlags: &r.streamFlags, out: newScreen(os.Stdout), kind: "message"}
	cmd := &cobra.Command{
		Use:   "receive URL",
		Short: "Print what the server at a URL sends, or what a queue has",
		Long: `receive waits for a server at a URL and prints what it sends, until the server
closes, or --count arrivals have come, or Ctrl-C, SIGTERM, SIGHUP or SIGQUIT; all
of these exit with 0. It sends nothing: to ask for something, use ipc send --reply.

One arrival is what one read gives, or a line with --lines, or a message with
--message. It exits with 1 if the server closed before --count arrivals had come, and
with 3 if --timeout ended a wait: for the server, or for the next arrival. What
couldn't be printed doesn't count as read: a server that looks learns that it is
lost.

From a message queue it takes one message, or --count of them, or with --follow all until a
signal ends it, and prints a line for each. A message may have several lines: --null and
--json keep messages apart. --timeout bounds each wait; a signal ends --follow with 0, and
any other wait with 128 + its number. A message that was taken is gone; with
--lease it leaves the queue only when it was printed, so that it may come twice if ipc dies.
Of a System V queue --type takes messages of one type alone.

With --exec a command gets the message as its standard input. When it exits with 0 the message
leaves the queue. When it fails, the message is given back, and comes again after 1, 2, 4 and
so on seconds, at most 5 minutes; receive goes on, and in the end exits with 1. So it does
when the command took longer than the lease timeout of the queue. When ipc is
killed (kill -9), so is the command, and the message comes again at once. The command's
variables are ` + deliveriesVariable + `, how often the message was delivered, 1 at first, and ` + idVariable + `.

With --json each line is an object with these fields, where they apply:
  event  connected, message
  priority, id, deliveries, type: of a message in a queue
  time   RFC 3339
  url    as given; address: where that is on this system
  peer   the server's pid, user (uid or SID), executable
  text   what arrived; base64 instead if that is not valid text
  split  true if the line goes on in the next event`,
		Example: `  ipc receive pipe://news --lines
  ipc receive pipe://clock --count 1 --timeout 3s
  ipc receive pipe://jobs --message --json
  ipc receive mq://jobs --timeout 3s
  ipc receive mq+sysv:///tmp/app --project A --type 3
  ipc receive mq://jobs --follow --exec ./work.sh    # a job runner`,
		Args:              takes(1, 1, "one URL, such as pipe://news"),
		ValidArgsFunction: completeURL("receive"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.given = cmd.Flags().Changed
			if r.given("exec") && r.execute == "" {
				return usagef("--exec lacks a command")
			}
			return r.run(cmd.Context(), args[0])
		},
	}
	r.registerForm(cmd, tlsClient)
	r.registerTrust(cmd)
	f := cmd.Flags()
	f.IntVar(&r.count, "count", 0, "stop after `N` arrivals")
	f.BoolVarP(&r.follow, "follow", "f", false, "take all messages of a queue, until a signal")
	f.BoolVarP(&r.null, "null", "0", false, "end each message of a queue with a zero byte, not a newline")
	f.BoolVar(&r.lease, "lease", false, "let a message leave the queue only when it was printed")
	f.IntVar(&r.of, "type", 0, "from a System V queue only type `N`, or up to N of -N")
	r.registerProject(cmd)
	f.StringVar(&r.execute, "exec", "", "run a `COMMAND` for each message of a queue")
	f.BoolVar(&r.raw, "raw", false, "print what arrives as it is even on a terminal")
	f.VarP((*waitLimit)(&r.timeout), "timeout", "t", "give up a wait after TIME, such as 3 (seconds) or 300ms")
	return cmd
}

// receiver is one run of receive.
type receiver struct {
	streamFlags
	count   int
	timeout time.Duration
	given   func(flag string) bool

	follow, null, lease bool // of queues
	execute             string
	of                  int // the type that is wanted

	printer
	err    screen
	target target
}

// source is where receive reads from.
type source struct {
	next        func() (unit, error) // [io.EOF] at the end
	setDeadline func(time.Time) error
	confirm     func() error // what next returned before is printed
	close       func() error
	address     string
	peer        *peerInfo
}

func (r *receiver) run(ctx context.Context, url string) (err error) {
	if r.target, err = parseURLFor("receive", url); err != nil {
		return err
	}
	if err := r.takeOptions(r.target); err != nil {
		return err
	}
	if err := r.checkForm(r.target); err != nil {
		return err
	}
	switch {
	case r.count < 0:
		return usagef("--count %d is negative", r.count)
	case r.raw && r.json:
		return usagef("--raw and --json exclude each other")
	}
	if err := r.target.checkFlags(r.given); err != nil {
		return err
	}
	if err := r.checkProject(r.target); err != nil {
		return err
	}
	if r.target.queue != nil {
		return r.dequeue(ctx)
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	// A standard output without a reader is an error, and doesn't kill this process.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	from, err := r.open(ctx)
	switch {
	case err == nil:
		defer from.close()
		return r.printFrom(ctx, from)
	case errors.Is(ctx.Err(), context.Canceled):
		return nil // a signal
	}
	return err
}

// open waits for what there is to receive from.
func (r *receiver) open(ctx context.Context) (*source, error) {
	if r.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.timeout, &exit{exitTimeout,
			fmt.Errorf("no server at %s within %v; start one with `ipc serve %[1]s`", r.target, r.timeout)})
		defer cancel()
	}
	defer r.err.hintIfSlow(fmt.Sprintf("waiting for a server at %s, Ctrl-C stops", r.target))()
	from, err := r.target.receive(ctx, r)
	if err == nil && r.json {
		e := event{Event: "connected", Time: time.Now(), URL: r.target.String(), Address: from.address, Peer: from.peer}
		if _, err := io.WriteString(r.out, e.String()); err != nil {
			from.close()
			return nil, err
		}
	}
	return from, err
}

// printFrom prints what arrives until the server closes, enough has come or ctx ends.
func (r *receiver) printFrom(ctx context.Context, from *source) (err error) {
	defer func() { err = errors.Join(err, r.endLine()) }()
	defer context.AfterFunc(ctx, func() { from.setDeadline(time.Now()) })()
	for n := 1; ; n++ {
		if r.timeout > 0 {
			from.setDeadline(time.Now().Add(r.timeout))
		}
		u, err := next(ctx, from)
		switch {
		case ctx.Err() != nil:
			return nil // a signal
		case errors.Is(err, os.ErrDeadlineExceeded):
			return &exit{exitTimeout, fmt.Errorf("the server at %s sent nothing within %v", r.target, r.timeout)}
		case err == io.EOF && n <= r.count:
			return fmt.Errorf("the server at %s closed after %d of %d arrivals", r.target, n-1, r.count)
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := r.print(u); err != nil {
			return err
		}
		if n == r.count {
			if u.more {
				return nil // what follows is not printed
			}
			return from.confirm()
		}
	}
}

// next is from.next that ends with ctx although a new deadline was set.
func next(ctx context.Context, from *source) (unit, error) {
	if ctx.Err() != nil {
		from.setDeadline(time.Now())
	}
	return from.next()
}
