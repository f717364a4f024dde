package cli

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/mq"
)

// The calls of the command into package mq.

// queueing is how messages wait in a mechanism, with no server.
type queueing struct {
	takes []string                                               // of someQueues
	open  func(t target, r accessRule, of int) (mq.Queue, error) // of is --type
}

// Flags of send and receive that don't mean something for all that they take.
var (
	streamOnly = []string{"lines", "message", "direction", "encoding", "no-newline", "reply", "retry"}
	queueOnly  = []string{"follow", "null"}
	someQueues = []string{"priority", "ttl", "id", "lease", "exec", "type"}
)

// checkFlags checks that the flags of send or receive mean something for t; given tells
// which there are.
func (t target) checkFlags(given func(flag string) bool) error {
	refused := slices.Concat(queueOnly, someQueues)
	if t.queue != nil {
		refused = slices.Clone(streamOnly)
		for _, f := range someQueues {
			if !slices.Contains(t.queue.takes, f) {
				refused = append(refused, f)
			}
		}
	}
	for _, f := range refused {
		if given(f) {
			return usagef("%s takes no --%s", withArticle(t.noun), f)
		}
	}
	return nil
}

// queueName returns the name of a queue, or its path.
func (t target) queueName() string {
	if t.isRooted() {
		return t.path()
	}
	return t.name
}

// fulls are the values of --full.
var fulls = []mq.Full{mq.FullWait, mq.FullFail, mq.FullDrop}

func createQueue(c *creator, t target, r accessRule) (io.Closer, error) {
	cfg := &mq.Config{
		Mode: r.mode, Allow: r.allow, Trust: r.trust,
		Capacity: c.capacity, CapacityBytes: int64(c.capacityBytes), MaxMessage: int(c.maxMessage),
		LeaseTimeout: c.leaseTimeout, MaxDeliveries: c.maxDeliveries, DeadLetter: c.deadLetter, Sync: c.sync,
	}
	cfg.DeadLetter, _ = strings.CutPrefix(cfg.DeadLetter, "mq://")
	i := slices.IndexFunc(fulls, func(f mq.Full) bool { return f.String() == c.full })
	switch {
	case i < 0:
		return nil, usagef("--full is wait, fail or drop, not %q", c.full)
	case strings.Contains(cfg.DeadLetter, "://"):
		return nil, usagef("--dead-letter is the name of a queue, or mq://NAME, not %q", c.deadLetter)
	case c.sync && !t.isRooted():
		return nil, usagef("--sync is for a durable queue, whose name is the path of its file: mq:///PATH")
	case c.capacityBytes > 0 && c.maxMessage > c.capacityBytes:
		return nil, usagef("a message of --max-message %d bytes has no room in --capacity-bytes %d", c.maxMessage, c.capacityBytes)
	case c.deadLetter != "" && c.maxDeliveries == 0:
		return nil, usagef("--dead-letter is for what was delivered too often; say with --max-deliveries how often that is")
	}
	cfg.Full = fulls[i]
	return mq.Create(t.queueName(), cfg)
}

func openQueue(t target, r accessRule, _ int) (mq.Queue, error) {
	return mq.Open(t.queueName(), &mq.Config{Trust: r.trust})
}

// awaitedQueue waits until a queue or a ring has a message, and leaves it there.
type awaitedQueue struct {
	io.Closer
	arrivals ipcsync.Waitable
}

func awaitQueue(t target, r accessRule) (awaitable, error) {
	q, err := mq.Open(t.queueName(), &mq.Config{Trust: r.trust})
	if err != nil {
		return nil, err
	}
	return awaitedQueue{q, q}, nil
}

func (q awaitedQueue) Wait(ctx context.Context) error {
	_, _, err := ipcsync.WaitAny(ctx, q.arrivals)
	return err
}

func (q awaitedQueue) TryWait() (bool, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errLate)
	err := q.Wait(ctx)
	if errors.Is(err, errLate) {
		return false, nil
	}
	return err == nil, err
}

func removeQueue(t target, r accessRule) error {
	return mq.Remove(t.queueName(), &mq.Config{Trust: r.trust})
}

func createPOSIXQueue(c *creator, t target, r accessRule) (io.Closer, error) {
	return mq.CreatePOSIX(t.name, &mq.POSIXConfig{Mode: r.mode, Capacity: c.capacity, MaxMessage: int(c.maxMessage)})
}

func openPOSIXQueue(t target, r accessRule, _ int) (mq.Queue, error) {
	return mq.OpenPOSIX(t.name, &mq.POSIXConfig{Trust: r.trust})
}

func removePOSIXQueue(t target, _ accessRule) error { return mq.RemovePOSIX(t.name) }

func createSystemVQueue(c *creator, t target, r accessRule) (io.Closer, error) {
	return mq.CreateSystemV(t.queueName(), &mq.SystemVConfig{Mode: r.mode, Project: r.project, CapacityBytes: int64(c.capacityBytes)})
}

func openSystemVQueue(t target, r accessRule, of int) (mq.Queue, error) {
	return mq.OpenSystemV(t.queueName(), &mq.SystemVConfig{Trust: r.trust, Project: r.project, SendType: max(of, 1), ReceiveType: of})
}

func removeSystemVQueue(t target, r accessRule) error {
	return mq.RemoveSystemV(t.queueName(), &mq.SystemVConfig{Project: r.project})
}
