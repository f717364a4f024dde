package mq

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"strings"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

const kindPOSIX = "mq+posix"

// POSIXConfig adjusts a [POSIXQueue]. nil and the zero value mean the defaults; the
// functions that take one copy it.
//
// Experimental.
type POSIXConfig struct {
	// Mode is the permission bits that a new queue gets, exactly, whatever the umask; 0
	// means 0600. To open a queue a process needs the permission to read and to write.
	Mode fs.FileMode

	// Trust names users, besides this process's own and the superuser, whose queues
	// Open accepts.
	Trust []string

	// Capacity is how many messages a new queue holds, and MaxMessage how many bytes a
	// body may have. 0 means the system's default: the sysctls fs.mqueue.msg_default and
	// fs.mqueue.msgsize_default, usually 10 and 8192. More than fs.mqueue.msg_max and
	// fs.mqueue.msgsize_max, usually 10 and 8192 too, fails with
	// [breezeway.ErrTooLarge]. All of it counts against the RLIMIT_MSGQUEUE of the user,
	// usually 819200 bytes. Open ignores both; OpenOrCreate fails with
	// [breezeway.ErrMismatch] if one of them is not 0 and the queue has another one.
	Capacity   int
	MaxMessage int
}

// POSIXQueue is a queue of the kernel's as mq_open(3) opens it in C, for talking to such
// programs. Its messages stay until they are received, or the system is restarted. All
// methods may be called concurrently; those of a nil or zero value fail with
// [os.ErrInvalid].
//
// It differs from other queues:
//
//   - It has no leases, TTL and ID: these fail with [errors.ErrUnsupported].
//   - Send to a full queue waits.
//   - Receive fails with [breezeway.ErrTooLarge], and takes nothing, if buf is shorter
//     than a message of this queue may be (Stats.MaxMessage), whatever the next message
//     has: the kernel doesn't say how long that is before it gives it away.
//   - C programs may send priorities up to 32767; Message.Priority is then more than
//     [MaxPriority].
//   - Drain looks at the queue again and again, every 1 to 50 ms.
//   - A queue that is removed stays usable for those that have it open, but waiting for
//     it fails with [breezeway.ErrRemoved] within 500 ms.
//
// However many goroutines wait, they cost no threads.
//
// Experimental.
type POSIXQueue struct {
	name    string
	created bool
	posixHandle
}

var _ Queue = (*POSIXQueue)(nil)

// CreatePOSIX makes the queue name, which is /name in C. The name is one of
// [breezeway.CheckName]; a queue that a C program has given another one can't be opened.
//
// It fails with [os.ErrExist] if there is one, and with [breezeway.ErrTooLarge] if a limit
// of the system is exceeded; the error says which one, and how to raise it. Other systems
// than Linux have no such queues, or none that can be waited for with a context:
// [errors.ErrUnsupported].
//
// Experimental.
func CreatePOSIX(name string, cfg *POSIXConfig) (*POSIXQueue, error) {
	return openPOSIXQueue(breezeway.OpCreate, name, cfg, func(s *posixSettings) (*POSIXQueue, bool, error) {
		q, err := createPOSIX(name, s)
		return q, true, err
	})
}

// OpenPOSIX opens the queue name, which another program or process has created. It fails
// with [os.ErrNotExist] if there is none, and with [os.ErrPermission] if this user may
// not open it, or if it belongs to a user that is not trusted (see POSIXConfig.Trust).
//
// Experimental.
func OpenPOSIX(name string, cfg *POSIXConfig) (*POSIXQueue, error) {
	return openPOSIXQueue(breezeway.OpOpen, name, cfg, func(s *posixSettings) (*POSIXQueue, bool, error) {
		q, err := openPOSIX(name, s)
		return q, false, err
	})
}

// OpenOrCreatePOSIX opens the queue name or, if there is none, makes it.
// [POSIXQueue.Created] tells which.
//
// Experimental.
func OpenOrCreatePOSIX(name string, cfg *POSIXConfig) (*POSIXQueue, error) {
	return openPOSIXQueue(breezeway.OpOpenOrCreate, name, cfg, func(s *posixSettings) (*POSIXQueue, bool, error) {
		return object.OpenOrMake(
			func() (*POSIXQueue, error) { return openSamePOSIX(name, s) },
			func() (*POSIXQueue, error) { return createPOSIX(name, s) })
	})
}

// openSamePOSIX opens a queue that has the limits that the settings ask for.
func openSamePOSIX(name string, s *posixSettings) (*POSIXQueue, error) {
	q, err := openPOSIX(name, s)
	if err != nil {
		return nil, err
	}
	for _, limit := range []struct {
		what       string
		has, wants int
	}{{"Capacity", q.capacity, s.Capacity}, {"MaxMessage", q.maxMessage, s.MaxMessage}} {
		if limit.wants != 0 && limit.wants != limit.has {
			q.close()
			return nil, fmt.Errorf("it exists with a %s of %d, not %d (%w)", limit.what, limit.has, limit.wants, breezeway.ErrMismatch)
		}
	}
	return q, nil
}

func openPOSIXQueue(op, name string, cfg *POSIXConfig, open func(*posixSettings) (*POSIXQueue, bool, error)) (*POSIXQueue, error) {
	s, err := cfg.settings()
	if err == nil {
		err = checkPOSIXName(name)
	}
	var q *POSIXQueue
	if err == nil {
		q, s.created, err = open(&s)
	}
	if err != nil {
		return nil, failPOSIX(op, name, err)
	}
	q.name, q.created = name, s.created
	return q, nil
}

// RemovePOSIX removes the queue name, with the messages in it. Processes that have opened
// it keep it; see [POSIXQueue]. It fails with [os.ErrNotExist] if there is none, and with
// [os.ErrPermission] if it is another user's.
//
// Experimental.
func RemovePOSIX(name string) error {
	err := checkPOSIXName(name)
	if err == nil {
		err = removePOSIX(name)
	}
	return failPOSIX(breezeway.OpRemove, name, err)
}

// posixSettings is a checked copy of a POSIXConfig.
type posixSettings struct {
	POSIXConfig
	access  access.Rule
	created bool
}

func (c *POSIXConfig) settings() (s posixSettings, err error) {
	if c != nil {
		s.POSIXConfig = *c
	}
	if s.Capacity < 0 || s.MaxMessage < 0 {
		return s, fmt.Errorf("%s is %d and %s %d; neither can be negative (%w)", fail.Go("POSIXConfig.Capacity"), s.Capacity, fail.Go("POSIXConfig.MaxMessage"), s.MaxMessage, os.ErrInvalid)
	}
	s.access, err = access.New(s.Mode, nil, s.Trust)
	return s, err
}

func checkPOSIXName(name string) error {
	if bare, slash := strings.CutPrefix(name, "/"); slash && breezeway.CheckName(bare) == nil {
		return fmt.Errorf("the queue that is %s in C is called %s here (%w)", name, bare, os.ErrInvalid)
	}
	return breezeway.CheckName(name)
}

func failPOSIX(op, name string, err error) error {
	if err == nil {
		return nil
	}
	advice := fail.Advice{
		What: "POSIX queue", Create: "mq.CreatePOSIX", Open: "mq.OpenPOSIX", Remove: "mq.RemovePOSIX",
		Scheme: kindPOSIX, Creatable: true, Removable: true,
	}
	return fail.With(op, kindPOSIX, name, advice.Explain(op, name, err))
}

var errNoPOSIXQueue = fmt.Errorf("there is no queue; open one with mq.OpenPOSIX or mq.CreatePOSIX (%w)", os.ErrInvalid)

// Name returns the name that the queue was opened by.
func (q *POSIXQueue) Name() string {
	if q == nil {
		return ""
	}
	return q.name
}

// Created reports whether the call that returned q made the queue.
func (q *POSIXQueue) Created() bool { return q != nil && q.created }

func (q *POSIXQueue) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	return fail.With(op, kindPOSIX, q.Name(), err)
}

// check returns an error unless m can be sent.
func (q *POSIXQueue) check(m *Outgoing) error {
	if !q.isOpened() {
		return errNoPOSIXQueue
	}
	if err := checkKernelMessage(m); err != nil {
		return err
	}
	if len(m.Body) > q.maxMessage {
		return errTooLong(len(m.Body), q.maxMessage)
	}
	return nil
}

// checkBuffer returns an error unless every message of the queue fits into buf.
func (q *POSIXQueue) checkBuffer(buf []byte) error {
	if !q.isOpened() {
		return errNoPOSIXQueue
	}
	if buf != nil && len(buf) < q.maxMessage {
		return fmt.Errorf("the buffer has %d bytes, and the kernel wants one for the longest message of this queue, %d (%w)", len(buf), q.maxMessage, breezeway.ErrTooLarge)
	}
	return nil
}

// Send puts a message into the queue, and waits as long as the queue is full.
func (q *POSIXQueue) Send(ctx context.Context, m Outgoing) error {
	err := q.check(&m)
	if err == nil {
		err = q.send(ctx, &m)
	}
	return q.fail(breezeway.OpSend, err)
}

// TrySend is Send that doesn't wait: it fails with [ErrFull] if the queue is full.
func (q *POSIXQueue) TrySend(m Outgoing) error {
	err := q.check(&m)
	if err == nil {
		err = q.trySend(&m)
	}
	return q.fail(breezeway.OpSend, err)
}

// SendBatch sends one message after the other; the kernel takes no more at a time.
func (q *POSIXQueue) SendBatch(ctx context.Context, messages []Outgoing) (sent int, err error) {
	if !q.isOpened() {
		return 0, q.fail(breezeway.OpSend, errNoPOSIXQueue)
	}
	return sendEach(ctx, q, messages)
}

// Receive takes the oldest of the messages of the highest priority. buf is nil, or has
// room for the longest message of the queue; see [POSIXQueue].
func (q *POSIXQueue) Receive(ctx context.Context, buf []byte) (Message, error) {
	err := q.checkBuffer(buf)
	var m Message
	if err == nil {
		m, err = q.receive(ctx, buf)
	}
	return m, q.fail(breezeway.OpReceive, err)
}

// TryReceive is Receive that doesn't wait: it reports whether there was a message.
func (q *POSIXQueue) TryReceive(buf []byte) (m Message, ok bool, err error) {
	err = q.checkBuffer(buf)
	if err == nil {
		m, ok, err = q.tryReceive(buf)
	}
	return m, ok, q.fail(breezeway.OpReceive, err)
}

// Lease is not available: [errors.ErrUnsupported].
func (q *POSIXQueue) Lease(context.Context, []byte) (Delivery, error) {
	err := errNoLeases
	if !q.isOpened() {
		err = errNoPOSIXQueue
	}
	return Delivery{}, q.fail(breezeway.OpLease, err)
}

// Len returns how many messages are in the queue.
func (q *POSIXQueue) Len(context.Context) (int, error) {
	s, err := q.status()
	return s.Messages, q.fail(breezeway.OpLen, err)
}

// Drain waits until the queue is empty.
func (q *POSIXQueue) Drain(ctx context.Context) error {
	return q.fail(breezeway.OpDrain, awaitEmpty(ctx, q))
}

// Stats returns the state of the queue a moment ago. The kernel doesn't count what was
// sent and received, and doesn't tell what waits.
func (q *POSIXQueue) Stats(context.Context) (Stats, error) {
	s, err := q.status()
	if err == nil {
		s.Bytes = q.bytes()
	}
	return s, q.fail(breezeway.OpStat, err)
}

// status is Stats without the bytes.
func (q *POSIXQueue) status() (Stats, error) {
	if !q.isOpened() {
		return Stats{}, errNoPOSIXQueue
	}
	return q.stats()
}

// All returns an iterator over messages as Receive returns them.
func (q *POSIXQueue) All(ctx context.Context) iter.Seq2[Message, error] {
	return messagesOf(ctx, q, q.fail)
}

// Close ends the use of the queue in this process: everything that waits fails with
// [os.ErrClosed]. The queue and its messages stay. Closing again does nothing.
func (q *POSIXQueue) Close() error {
	if !q.isOpened() {
		return q.fail(breezeway.OpClose, errNoPOSIXQueue)
	}
	return q.fail(breezeway.OpClose, q.close())
}

// Waiter is for ipcsync.WaitAny, which fails with [errors.ErrUnsupported]: it doesn't
// wait for the kernel's queues.
func (q *POSIXQueue) Waiter() robust.Waiter { return notWaitable{q.fail} }

// isOpened reports whether one of the constructors made q.
func (q *POSIXQueue) isOpened() bool { return q != nil && q.posixHandle.isSet() }
