package mq

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

const kindSystemV = "mq+sysv"

// SystemVConfig adjusts a [SystemVQueue]. nil and the zero value mean the defaults; the
// functions that take one copy it.
//
// Experimental.
type SystemVConfig struct {
	// Mode is the permission bits that a new queue gets, exactly; 0 means 0600. To open a
	// queue a process needs the permission to read and to write.
	Mode fs.FileMode

	// Trust names users, besides this process's own and the superuser, whose queues
	// Open accepts: both the owner and the creator must be trusted.
	Trust []string

	// Project is the second argument of ftok(3), 1 to 255, for a queue that is named by
	// a path. 0 means 1. Many C programs give a letter, such as 'A'.
	Project int

	// SendType is the type of messages that are sent, at least 1; 0 means 1.
	SendType int

	// ReceiveType says which messages are received, as msgrcv's msgtyp does: 0 the oldest
	// of any type, n the oldest of type n, and -n the oldest of the lowest type that is
	// at most n. To receive by several rules open the queue several times; that costs
	// no descriptor.
	ReceiveType int

	// CapacityBytes is how many bytes the messages of a new queue may have together; 0
	// means the sysctl kernel.msgmnb, usually 16384. Only the superuser may give more:
	// otherwise creating fails with [breezeway.ErrTooLarge]. Open ignores it;
	// OpenOrCreate fails with [breezeway.ErrMismatch] if it is not 0 and the queue has
	// another one.
	CapacityBytes int64
}

// SystemVQueue is a queue of the kernel's as msgget(2) opens it in C, for talking to such
// programs. Its messages stay until they are received, or the system is restarted. All
// methods may be called concurrently; those of a nil or zero value fail with
// [os.ErrInvalid].
//
// It differs from other queues:
//
//   - Messages have types instead of priorities: see SendType and ReceiveType of
//     [SystemVConfig], [SystemVQueue.SendWithType] and [SystemVQueue.ReceiveWithType].
//     A Priority other than 0 fails with [errors.ErrUnsupported].
//   - It has no leases, TTL and ID: these fail with [errors.ErrUnsupported].
//   - Send to a full queue waits.
//   - Len, Drain and Stats count the messages of all types. Drain looks at the queue again
//     and again, every 1 to 50 ms.
//   - When the queue is removed, everything that waits, in every process, fails with
//     [breezeway.ErrRemoved] at once, and so does every later call.
//
// A wait that nothing ends at once sleeps in the kernel, in a thread: at most one thread
// for all goroutines that wait to receive from the same SystemVQueue, and one for those
// that wait to send. To end the wait early, the thread is sent SIGURG, the signal that Go
// itself interrupts threads by. In a program that ignores SIGURG, a context does not end
// such a wait.
//
// Experimental.
type SystemVQueue struct {
	name    string
	key     uint32
	created bool
	systemVHandle
}

var _ Queue = (*SystemVQueue)(nil)

// CreateSystemV makes a queue. Its name is the rooted path of a file that exists, which
// gives it the key ftok(path, cfg.Project), or the key itself, as a number such as
// "0x5a01". ftok takes only some bits of the file's inode and device, so two files may
// have one key; a new file at the same path has another one.
//
// It fails with [os.ErrExist] if there is a queue with that key, with [os.ErrInvalid] for
// any other name, and with [breezeway.ErrTooLarge] if a limit of the system is exceeded;
// the error says which one. Other systems than 64-bit Linux are not supported:
// [errors.ErrUnsupported].
//
// Experimental.
func CreateSystemV(name string, cfg *SystemVConfig) (*SystemVQueue, error) {
	return openSystemVQueue(breezeway.OpCreate, name, cfg, func(key int32, s *systemVSettings) (*SystemVQueue, bool, error) {
		q, err := createSystemV(key, s)
		return q, true, err
	})
}

// OpenSystemV opens a queue that another program or process has created. For its name see
// [CreateSystemV]. It fails with [os.ErrNotExist] if there is none, or no such file, and
// with [os.ErrPermission] if this user may not open it, or if it belongs to a user that
// is not trusted (see SystemVConfig.Trust).
//
// Experimental.
func OpenSystemV(name string, cfg *SystemVConfig) (*SystemVQueue, error) {
	return openSystemVQueue(breezeway.OpOpen, name, cfg, func(key int32, s *systemVSettings) (*SystemVQueue, bool, error) {
		q, err := openSystemV(key, s)
		return q, false, err
	})
}

// OpenOrCreateSystemV opens a queue or, if there is none, makes it.
// [SystemVQueue.Created] tells which.
//
// Experimental.
func OpenOrCreateSystemV(name string, cfg *SystemVConfig) (*SystemVQueue, error) {
	return openSystemVQueue(breezeway.OpOpenOrCreate, name, cfg, func(key int32, s *systemVSettings) (*SystemVQueue, bool, error) {
		return object.OpenOrMake(
			func() (*SystemVQueue, error) { return openSameSystemV(key, s) },
			func() (*SystemVQueue, error) { return createSystemV(key, s) })
	})
}

// openSameSystemV opens a queue that has the capacity that the settings ask for.
func openSameSystemV(key int32, s *systemVSettings) (*SystemVQueue, error) {
	q, err := openSystemV(key, s)
	if err != nil || s.CapacityBytes == 0 {
		return q, err
	}
	stats, err := q.stats()
	if err == nil && stats.CapacityBytes != s.CapacityBytes {
		err = fmt.Errorf("it exists with a CapacityBytes of %d, not %d (%w)", stats.CapacityBytes, s.CapacityBytes, breezeway.ErrMismatch)
	}
	if err != nil {
		q.close()
		return nil, err
	}
	return q, nil
}

func openSystemVQueue(op, name string, cfg *SystemVConfig, open func(int32, *systemVSettings) (*SystemVQueue, bool, error)) (*SystemVQueue, error) {
	s, err := cfg.settings()
	var key int32
	if err == nil {
		key, err = s.key(name)
	}
	var q *SystemVQueue
	var created bool
	if err == nil {
		q, created, err = open(key, &s)
	}
	if err != nil {
		return nil, failSystemV(op, name, err)
	}
	q.name, q.key, q.created = name, uint32(key), created
	return q, nil
}

// RemoveSystemV removes a queue, with the messages in it, at once for all that use it. Of
// cfg only Project counts. For the name see [CreateSystemV]. It fails with
// [os.ErrNotExist] if there is none, and with [os.ErrPermission] if it is another user's.
//
// Experimental.
func RemoveSystemV(name string, cfg *SystemVConfig) error {
	s, err := cfg.settings()
	var key int32
	if err == nil {
		key, err = s.key(name)
	}
	if err == nil {
		err = removeSystemV(key)
	}
	return failSystemV(breezeway.OpRemove, name, err)
}

// systemVSettings is a checked copy of a SystemVConfig.
type systemVSettings struct {
	SystemVConfig
	access access.Rule
}

func (c *SystemVConfig) settings() (s systemVSettings, err error) {
	if c != nil {
		s.SystemVConfig = *c
	}
	switch {
	case s.Project < 0 || s.Project > 255:
		return s, fmt.Errorf("%s is %d; give 1 to 255, or 0 for 1 (%w)", fail.Go("SystemVConfig.Project"), s.Project, os.ErrInvalid)
	case s.SendType < 0:
		return s, fmt.Errorf("%s is %d; give 1 or more, or 0 for 1 (%w)", fail.Go("SystemVConfig.SendType"), s.SendType, os.ErrInvalid)
	case s.CapacityBytes < 0:
		return s, fmt.Errorf("%s is %d; it can't be negative (%w)", fail.Go("SystemVConfig.CapacityBytes"), s.CapacityBytes, os.ErrInvalid)
	}
	s.Project, s.SendType = max(s.Project, 1), max(s.SendType, 1)
	s.access, err = access.New(s.Mode, nil, s.Trust)
	return s, err
}

// key returns the key that the name stands for.
func (s *systemVSettings) key(name string) (int32, error) {
	if filepath.IsAbs(name) {
		return fileKey(name, s.Project)
	}
	n, err := strconv.ParseUint(name, 0, 32)
	switch {
	case err != nil:
		return 0, fmt.Errorf("the name is neither a rooted path nor a key, a number of at most 32 bits such as 0x5a01 (%w)", os.ErrInvalid)
	case n == 0:
		return 0, fmt.Errorf("the key 0 is IPC_PRIVATE, which stands for no queue (%w)", os.ErrInvalid)
	}
	return int32(uint32(n)), nil
}

func failSystemV(op, name string, err error) error {
	if err == nil {
		return nil
	}
	advice := fail.Advice{
		What: "System V queue", Create: "mq.CreateSystemV", Open: "mq.OpenSystemV", Remove: "mq.RemoveSystemV",
		Scheme: kindSystemV, Creatable: true, Removable: true,
	}
	return fail.With(op, kindSystemV, name, advice.Explain(op, name, err))
}

var errNoSystemVQueue = fmt.Errorf("there is no queue; open one with mq.OpenSystemV or mq.CreateSystemV (%w)", os.ErrInvalid)

// Name returns the name that the queue was opened by.
func (q *SystemVQueue) Name() string {
	if q == nil {
		return ""
	}
	return q.name
}

// Key returns the key that the queue's name stands for, as msgget(2) takes it.
func (q *SystemVQueue) Key() uint32 {
	if q == nil {
		return 0
	}
	return q.key
}

// Created reports whether the call that returned q made the queue.
func (q *SystemVQueue) Created() bool { return q != nil && q.created }

func (q *SystemVQueue) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	return fail.With(op, kindSystemV, q.Name(), err)
}

// check returns an error unless m can be sent with the type.
func (q *SystemVQueue) check(m *Outgoing, of int) error {
	if !q.isOpened() {
		return errNoSystemVQueue
	}
	if err := checkKernelMessage(m); err != nil {
		return err
	}
	switch {
	case m.Priority != 0:
		return errNoPriority
	case of < 1:
		return fmt.Errorf("the type is %d; it must be at least 1 (%w)", of, os.ErrInvalid)
	case len(m.Body) > q.maxMessage:
		return errTooLong(len(m.Body), q.maxMessage)
	}
	return nil
}

// Send puts a message of the type SystemVConfig.SendType into the queue, and waits as
// long as the queue is full.
func (q *SystemVQueue) Send(ctx context.Context, m Outgoing) error {
	return q.SendWithType(ctx, q.typeToSend(), m)
}

// SendWithType is Send of a message of another type, at least 1. A reply, for example,
// often has the client's process id as its type.
func (q *SystemVQueue) SendWithType(ctx context.Context, of int, m Outgoing) error {
	err := q.check(&m, of)
	if err == nil {
		err = q.send(ctx, of, m.Body)
	}
	return q.fail(breezeway.OpSend, err)
}

// TrySend is Send that doesn't wait: it fails with [ErrFull] if the queue is full.
func (q *SystemVQueue) TrySend(m Outgoing) error {
	of := q.typeToSend()
	err := q.check(&m, of)
	if err == nil {
		err = q.trySend(of, m.Body)
	}
	return q.fail(breezeway.OpSend, err)
}

// typeToSend returns the type that Send sends, or 0 if q was not opened.
func (q *SystemVQueue) typeToSend() int {
	if !q.isOpened() {
		return 0
	}
	return q.sendType
}

// SendBatch sends one message after the other; the kernel takes no more at a time.
func (q *SystemVQueue) SendBatch(ctx context.Context, messages []Outgoing) (sent int, err error) {
	if !q.isOpened() {
		return 0, q.fail(breezeway.OpSend, errNoSystemVQueue)
	}
	return sendEach(ctx, q, messages)
}

// Receive takes the message that SystemVConfig.ReceiveType selects.
func (q *SystemVQueue) Receive(ctx context.Context, buf []byte) (Message, error) {
	m, _, err := q.ReceiveWithType(ctx, buf)
	return m, err
}

// ReceiveWithType is Receive that returns the message's type, too.
func (q *SystemVQueue) ReceiveWithType(ctx context.Context, buf []byte) (m Message, of int, err error) {
	err = errNoSystemVQueue
	if q.isOpened() {
		m, of, err = q.receive(ctx, buf)
	}
	return m, of, q.fail(breezeway.OpReceive, err)
}

// TryReceive is Receive that doesn't wait: it reports whether there was a message.
func (q *SystemVQueue) TryReceive(buf []byte) (m Message, ok bool, err error) {
	err = errNoSystemVQueue
	if q.isOpened() {
		m, ok, err = q.tryReceive(buf)
	}
	return m, ok, q.fail(breezeway.OpReceive, err)
}

// Lease is not available: [errors.ErrUnsupported].
func (q *SystemVQueue) Lease(context.Context, []byte) (Delivery, error) {
	err := errNoLeases
	if !q.isOpened() {
		err = errNoSystemVQueue
	}
	return Delivery{}, q.fail(breezeway.OpLease, err)
}

// Len returns how many messages are in the queue, of all types.
func (q *SystemVQueue) Len(context.Context) (int, error) {
	s, err := q.status()
	return s.Messages, q.fail(breezeway.OpLen, err)
}

// Drain waits until there is no message of any type in the queue.
func (q *SystemVQueue) Drain(ctx context.Context) error {
	return q.fail(breezeway.OpDrain, awaitEmpty(ctx, q))
}

// Stats returns the state of the queue a moment ago. The kernel doesn't count what was
// sent and received, and doesn't tell what waits. Its limit is one of bytes only.
func (q *SystemVQueue) Stats(context.Context) (Stats, error) {
	s, err := q.status()
	return s, q.fail(breezeway.OpStat, err)
}

func (q *SystemVQueue) status() (Stats, error) {
	if !q.isOpened() {
		return Stats{}, errNoSystemVQueue
	}
	return q.stats()
}

// All returns an iterator over messages as Receive returns them.
func (q *SystemVQueue) All(ctx context.Context) iter.Seq2[Message, error] {
	return messagesOf(ctx, q, q.fail)
}

// Close ends the use of the queue in this process: everything that waits fails with
// [os.ErrClosed]. The queue and its messages stay. Closing again does nothing.
func (q *SystemVQueue) Close() error {
	if !q.isOpened() {
		return q.fail(breezeway.OpClose, errNoSystemVQueue)
	}
	q.close()
	return nil
}

// Waiter is for ipcsync.WaitAny, which fails with [errors.ErrUnsupported]: it doesn't
// wait for the kernel's queues.
func (q *SystemVQueue) Waiter() robust.Waiter { return notWaitable{q.fail} }

// isOpened reports whether one of the constructors made q.
func (q *SystemVQueue) isOpened() bool { return q != nil && q.systemVHandle.isSet() }
