package mq

import (
	"context"
	"iter"
	"time"
)

// Queue is a queue of messages, local or remote. All methods may be called concurrently,
// by any number of goroutines of any number of processes.
//
// A wait ends within 10 ms when ctx is done, with [context.Cause], and with
// [os.ErrClosed] when the queue is closed here. It takes nothing then, and no other
// waiter is disturbed.
type Queue interface {
	// Send puts a message into the queue. What it does if the queue is full is up to
	// the queue: wait until there is room, fail with [ErrFull], or drop a message. It
	// fails with [breezeway.ErrTooLarge] if the message can never fit, and with
	// [os.ErrInvalid] for a Priority or TTL out of range. The caller may reuse Body when
	// Send has returned.
	Send(ctx context.Context, m Outgoing) error

	// SendBatch sends messages in their order. It returns how many of them, from the
	// first on, are in the queue; if these are not all, also why. Other senders'
	// messages may come in between.
	SendBatch(ctx context.Context, messages []Outgoing) (sent int, err error)

	// Receive takes the oldest of the messages of the highest priority, and waits for
	// one if there is none. No other receiver gets it: if this process dies before Receive has
	// returned, or before it has done its work, the message is lost (at most once).
	//
	// The body is copied into buf, and Message.Body is the part of buf that it fills. If
	// buf is nil, Receive allocates. If buf is too short, Receive fails with
	// [breezeway.ErrTooLarge] and takes nothing.
	Receive(ctx context.Context, buf []byte) (Message, error)

	// Lease is Receive for work that must be done at least once: the message stays in
	// the queue, where others don't see it, until Ack removes it. If this process dies
	// before that, or calls Nack, or the queue's lease timeout ends, the message is
	// delivered again, marked as redelivered. A queue that has no leases fails with
	// [errors.ErrUnsupported].
	Lease(ctx context.Context, buf []byte) (Delivery, error)

	// Len returns how many messages are in the queue, leased and delayed ones included.
	Len(ctx context.Context) (int, error)

	// Drain waits until every message was received or acknowledged, or has left the queue
	// in another way, as by its TTL. It needs no receiver for that.
	Drain(ctx context.Context) error

	// Stats returns the state of the queue a moment ago.
	Stats(ctx context.Context) (Stats, error)

	// All returns an iterator over messages as Receive returns them, each with a body of
	// its own. It ends after the first error, which it yields: [context.Cause] when ctx is
	// done, also if there are messages.
	All(ctx context.Context) iter.Seq2[Message, error]

	// Close ends the use of the queue in this process, with all waits. What this process
	// has leased is delivered again. Messages stay. Closing again does nothing.
	Close() error
}

// MaxPriority is the highest priority of a message.
const MaxPriority = 31

// MaxID is how many bytes an Outgoing.ID may have.
const MaxID = 64

// Outgoing is a message to be sent.
type Outgoing struct {
	Body []byte // may be empty

	// Priority is 0 to [MaxPriority]. Messages of a higher priority are received first,
	// those of one priority in the order in which they were sent.
	Priority int

	// TTL is how long the message may wait to be received, by the wall clock. After that
	// it is dropped, and counted. 0 means for ever.
	TTL time.Duration

	// ID is the sender's own name for the message, of at most [MaxID] bytes. The queue
	// hands it on; the local queue does nothing else with it.
	ID string
}

// Message is a message that was received.
type Message struct {
	Body     []byte
	Priority int
	ID       string // allocated unless it is empty

	// Deliveries is how often the message was delivered, this time included. It is 1
	// unless a lease of it has ended without Ack. 0 means that the queue doesn't count.
	Deliveries int
}

// Redelivered reports whether the message was delivered before, so that part of the
// work for it may be done.
func (m *Message) Redelivered() bool { return m.Deliveries > 1 }

// Stats is the state of a queue a moment ago. A number that the queue doesn't know is
// -1.
type Stats struct {
	Messages int   `json:"messages"` // in the queue: ready, leased and delayed
	Leased   int   `json:"leased"`
	Delayed  int   `json:"delayed"` // by Nack
	Bytes    int64 `json:"bytes"`   // that the messages take of CapacityBytes

	Capacity      int   `json:"capacity"` // in messages
	CapacityBytes int64 `json:"capacity_bytes"`
	MaxMessage    int   `json:"max_message"` // bytes of a body

	// What has happened since the queue was created.
	Sent         int64 `json:"sent"`
	Received     int64 `json:"received"`      // by Receive
	Acknowledged int64 `json:"acknowledged"`  // leased, and done
	Redelivered  int64 `json:"redelivered"`   // leases that ended without Ack
	Expired      int64 `json:"expired"`       // dropped after their TTL
	Dropped      int64 `json:"dropped"`       // since the queue was full, or delivered too often without a dead-letter queue
	DeadLettered int64 `json:"dead_lettered"` // passed on after too many deliveries
	Damaged      int64 `json:"damaged"`       // dropped since their checksum was wrong
	Recoveries   int64 `json:"recoveries"`    // a process died in the middle of a change

	Waiters int `json:"waiters"` // goroutines that wait, in all processes
}
