package mq

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/watch"
)

// What the two kinds of queues that the kernel has lack.
var (
	errNoLeases   = fmt.Errorf("the kernel's queues have no leases: a message that is received is gone; use Receive, or a queue of mq.Create (%w)", errors.ErrUnsupported)
	errNoTTL      = fmt.Errorf("the kernel's queues don't drop messages by their age: leave Outgoing.TTL 0, or use a queue of mq.Create (%w)", errors.ErrUnsupported)
	errNoID       = fmt.Errorf("a message of the kernel's queues is its body, which C programs read: leave Outgoing.ID empty, or use a queue of mq.Create (%w)", errors.ErrUnsupported)
	errNoPriority = fail.Errorf("System V messages have types instead of priorities: leave Outgoing.Priority 0, and choose %s or SendWithType (%w)", fail.Go("SystemVConfig.SendType"), errors.ErrUnsupported)
	errNoWaiter   = fmt.Errorf("WaitAny doesn't wait for the kernel's queues; call Receive, or use a queue of mq.Create (%w)", errors.ErrUnsupported)
)

// checkKernelMessage checks what an Outgoing asks for that both kinds refuse alike.
func checkKernelMessage(m *Outgoing) error {
	switch {
	case m.Priority < 0 || m.Priority > MaxPriority:
		return fmt.Errorf("Outgoing.Priority is %d; give 0 to %d (%w)", m.Priority, MaxPriority, os.ErrInvalid)
	case m.TTL < 0:
		return fmt.Errorf("Outgoing.TTL is %v; it can't be negative (%w)", m.TTL, os.ErrInvalid)
	case m.TTL != 0:
		return errNoTTL
	case m.ID != "":
		return errNoID
	}
	return nil
}

// errTooLong says that a body exceeds what a queue takes.
func errTooLong(size, limit int) error {
	return fmt.Errorf("the message has %d bytes, and the queue takes at most %d (%w)", size, limit, breezeway.ErrTooLarge)
}

// sendEach is SendBatch for a queue whose kernel takes one message at a time.
func sendEach(ctx context.Context, q Queue, messages []Outgoing) (sent int, err error) {
	for _, m := range messages {
		if err := q.Send(ctx, m); err != nil {
			return sent, err
		}
		sent++
	}
	return sent, nil
}

// messagesOf is All. Receive takes what is there even if ctx is done; a loop is to end
// all the same.
func messagesOf(ctx context.Context, q Queue, fail func(op string, err error) error) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			if ctx.Err() != nil {
				yield(Message{}, fail(breezeway.OpReceive, context.Cause(ctx)))
				return
			}
			m, err := q.Receive(ctx, nil)
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// awaitEmpty is Drain. The kernel announces messages that come, but not that the last
// one is gone, so it looks again and again.
func awaitEmpty(ctx context.Context, q Queue) error {
	var pause watch.Backoff
	for {
		n, err := q.Len(ctx)
		if err != nil || n == 0 {
			return err
		}
		if err := pause.Sleep(ctx); err != nil {
			return err
		}
	}
}

// notWaitable is what WaitAny learns of a queue of the kernel's.
type notWaitable struct {
	fail func(op string, err error) error
}

func (w notWaitable) Wait(context.Context, *robust.Claim) (any, error) {
	return nil, w.fail(breezeway.OpWait, errNoWaiter)
}

func (w notWaitable) Try() (any, bool, error) {
	return nil, false, w.fail(breezeway.OpWait, errNoWaiter)
}
