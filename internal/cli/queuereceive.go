package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway/mq"
)

// dequeuer takes messages out of a queue.
type dequeuer struct {
	*receiver
	queue  mq.Queue
	jobs   *jobs // nil without --exec
	failed bool  // a command has
	of     int   // type of the last message, if the queue has types
}

// typedQueue is a queue whose messages have types.
type typedQueue interface {
	ReceiveWithType(ctx context.Context, buf []byte) (m mq.Message, of int, err error)
}

// dequeue takes messages out of a queue, and prints them or hands them to a command.
func (r *receiver) dequeue(ctx context.Context) (err error) {
	switch {
	case r.follow && r.count > 0:
		return usagef("--follow takes all messages, --count some; leave one of them out")
	case r.null && r.json || r.null && r.raw:
		return usagef("--null excludes --json and --raw")
	case r.execute != "" && (r.json || r.raw || r.null):
		return usagef("--exec prints nothing: --json, --raw and --null don't go with it")
	}
	d := &dequeuer{receiver: r}
	if r.execute != "" {
		words, err := splitCommand(r.execute)
		if err != nil {
			return err
		}
		if _, err := exec.LookPath(words[0]); err != nil {
			return err
		}
		d.jobs = &jobs{words: words}
	}
	rule, err := r.rule()
	if err != nil {
		return err
	}
	if d.queue, err = r.target.queue.open(r.target, rule, r.of); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.queue.Close()) }()
	return d.run(ctx)
}

func (d *dequeuer) run(ctx context.Context) error {
	ctx, signals := hearSignals(ctx)
	defer signals.stop()
	// A standard output without a reader is an error, and doesn't kill this process.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	if d.jobs != nil {
		d.jobs.signals = signals
	}
	for n := 0; d.follow || n < max(d.count, 1); n++ {
		err := context.Cause(ctx) // a message that is there needs no wait, which ctx would end
		if err == nil {
			err = d.one(ctx)
		}
		switch {
		case err == nil:
		case d.follow && ctx.Err() != nil:
			return d.end() // a signal
		default:
			return err
		}
	}
	return d.end()
}

// end returns the error of a run that has done what it should.
func (d *dequeuer) end() error {
	if d.failed {
		return &exit{code: exitError} // a warning has said why
	}
	return nil
}

// one takes one message.
func (d *dequeuer) one(ctx context.Context) error {
	m, err := d.take(ctx)
	switch {
	case err != nil:
		return err
	case d.jobs != nil:
		return d.work(m)
	}
	err = d.show(&m.Message)
	switch {
	case !d.lease:
		return err
	case err != nil:
		return errors.Join(err, m.Nack(context.Background(), 0))
	}
	return m.Ack(context.Background())
}

// take waits for a message. Without --lease only its Message means something.
func (d *dequeuer) take(ctx context.Context) (mq.Delivery, error) {
	if d.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d.timeout, &exit{exitTimeout,
			fmt.Errorf("%s had no message within %v", d.target, d.timeout)})
		defer cancel()
	}
	defer d.err.hintIfSlow(fmt.Sprintf("waiting for a message in %s, Ctrl-C stops", d.target))()
	if d.lease || d.jobs != nil {
		return d.queue.Lease(ctx, nil)
	}
	var m mq.Message
	var err error
	if q, ok := d.queue.(typedQueue); ok {
		m, d.of, err = q.ReceiveWithType(ctx, nil)
	} else {
		m, err = d.queue.Receive(ctx, nil)
	}
	return mq.Delivery{Message: m}, err
}

// show prints a message.
func (d *dequeuer) show(m *mq.Message) error {
	text := string(m.Body)
	switch {
	case d.json:
		e := event{Event: "message", Time: time.Now(), URL: d.target.String(), Priority: m.Priority, ID: m.ID, Type: d.of, Deliveries: m.Deliveries}
		text = e.withText(text).String()
	case d.raw:
	case d.null:
		text += "\x00"
	case d.out.tty:
		text = printable(strings.ReplaceAll(text, "\r\n", "\n"), "\t\n") + "\n"
	default:
		text += "\n"
	}
	_, err := io.WriteString(d.out, text)
	return err
}

// work runs the command for a message. A failure of the command is no error.
func (d *dequeuer) work(m mq.Delivery) error {
	failure, err := d.jobs.run(&m.Message)
	switch {
	case err != nil:
		return errors.Join(err, m.Nack(context.Background(), 0))
	case failure == nil:
		return d.outlived(m.Ack(context.Background()))
	}
	d.failed = true
	delay := delayAfter(m.Deliveries)
	warn("%s failed (%v); its message was given back; unless that was the last of its --max-deliveries, it comes again in %v at the earliest", d.jobs.words[0], failure, delay)
	err = d.outlived(m.Nack(context.Background(), delay))
	if ended := new(exec.ExitError); errors.As(failure, &ended) && codeOf(ended.ProcessState) == interrupted {
		return errors.Join(err, &exit{code: interrupted}) // a terminal's Ctrl-C is the command's alone
	}
	return err
}

// outlived makes a warning of the error that a command took longer than its lease.
func (d *dequeuer) outlived(err error) error {
	if !errors.Is(err, mq.ErrLeaseLost) {
		return err
	}
	d.failed = true
	warn("%s took longer than the queue's --lease-timeout; its message is delivered again", d.jobs.words[0])
	return nil
}

// interrupted is the exit code of a command that SIGINT ended.
const interrupted = exitSignal + int(syscall.SIGINT)

// The delay before a message comes again doubles with each delivery.
const (
	firstDelay = time.Second
	mostDelay  = 5 * time.Minute
)

func delayAfter(deliveries int) time.Duration {
	delay := firstDelay
	for range deliveries - 1 {
		if delay *= 2; delay >= mostDelay {
			return mostDelay
		}
	}
	return delay
}
