// Package mq hands whole messages from any number of senders to any number of receivers,
// in other processes too, which come and go. None is lost when a process is killed.
//
//	q, err := mq.OpenOrCreate("jobs", nil)
//	if err != nil {
//		return err
//	}
//	defer q.Close()
//	err = q.Send(ctx, mq.Outgoing{Body: job, Priority: 5})
//
// and, in another process,
//
//	d, err := q.Lease(ctx, nil)
//	if err != nil {
//		return err
//	}
//	if err := work(d.Body); err != nil {
//		return d.Nack(ctx, time.Second) // it is delivered again
//	}
//	return d.Ack(ctx)
//
// # When to use it
//
// Use a queue when messages are work to be done by one of several processes, when sender
// and receiver need not run at the same time, when messages have priorities, or when work
// must be done although the process that does it may die. For a conversation between two
// processes use a pipe, which has two ends and tells each when the other is gone; for a
// value of which only the newest counts, shm.Latest.
//
// # Which queue
//
//   - [LocalQueue] ([Create], [Open], [OpenOrCreate]) is the portable one, the same on
//     Linux and Windows. Its name is found in shared memory; it ends with the system.
//   - A name that is a rooted path makes it durable: the path is its file, on a disk.
//     What it holds survives the end of every process, and with Config.Sync a power
//     failure.
//   - [POSIXQueue] and [SystemVQueue] are the kernel's, on Linux, for talking to programs in
//     C and Python. They have no leases. Experimental.
//   - [Typed] carries Go values over any of them, as JSON, gob or C's structs. Experimental.
//
// # Receive or Lease
//
// Receive takes a message at most once: a process that is killed just after it has
// received a message has lost it. Lease takes it at least once: the message stays in the
// queue until it is acknowledged. If the process dies before, or the lease times out, it
// is delivered again, and says so ([Message.Redelivered]). Do with Lease what must be done,
// and make it bear repetition.
//
// # Order
//
// Messages of a higher priority come first, those of one priority in the order in which
// they were sent. A message that is delivered again has its old place. With several
// receivers, that one message was received before another doesn't mean that its work was
// done before.
//
// # Full queues
//
// [Config].Full says what Send does when there is no room: wait, fail, or drop messages.
// Leased messages take room.
//
// # Surviving a killed process
//
// Senders and receivers change the queue in sections of their own. When a process dies in
// one, the next that comes finds that out and repairs what it left, from the messages
// themselves. A wait notices a dead process within 100 ms, after half a second of waiting
// within 500 ms. A lease ends with its process.
//
// # Caveats
//
//   - A process that may open a queue may take, change and remove everything in it.
//   - A process that is stopped (SIGSTOP, a debugger) in the middle of a change keeps the
//     others of its side waiting, until their contexts end. The Try methods give up
//     after 10 ms.
//   - An expired message takes room until a receiver meets it, or a sender finds the
//     queue full, which looks at all messages. In a full queue with messages that have a
//     TTL, that costs up to a tenth of the senders' time.
//   - Senders that wait for room may be overtaken: room that is too small for the one that
//     has waited longest goes to one that it suffices for. A large message may wait for
//     as long as small ones keep the queue full.
//   - TTL and delays are kept by the wall clock: if that is set, they change.
//   - The memory of a queue is taken when it is created: 256 bytes a message and
//     Config.CapacityBytes.
//   - A durable queue belongs on a local disk. Network file systems keep processes on two
//     machines from seeing each other's locks and memory.
//   - A program that truncates the file of a queue that processes have open loses messages.
//     Calls that touch the missing part fail where the memory is protected, and otherwise
//     the system ends the process (SIGBUS). The next Open makes the file whole again.
//   - Without Config.Sync a power failure may damage a durable queue: messages that are
//     damaged are dropped, reported and counted.
package mq
