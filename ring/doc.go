// Package ring passes messages from one process to another through shared memory, in
// place: they are not copied, and while both processes are busy no system call is made.
//
//	r, err := ring.OpenOrCreate[Frame]("frames", nil)
//	...
//	s, err := r.Sender()
//	...
//	l, err := s.Loan(ctx)
//	if err != nil {
//		return err
//	}
//	l.Value().Number = 7 // in shared memory
//	err = l.Send()
//
// and, in another process,
//
//	v, err := r.Receiver()
//	...
//	m, err := v.Receive(ctx)
//	if err != nil {
//		return err
//	}
//	use(m.Value()) // in shared memory
//	err = m.Release()
//
// A [Ring] carries values of one type, a [Bytes] messages of bytes, each of a length of its
// own.
//
// # When to use it
//
// Use a ring for many messages in one direction where latency or throughput counts, and
// for large ones that are not to be copied: frames, samples, market data, log records.
// Between a process and its answering peer use two rings, one for each way. If a message
// must be done by one of several workers, or must survive a restart of the machine, use
// package mq; for the newest value alone shm.Latest; for bytes without messages, and across
// machines, a connection.
//
// # Shapes
//
//   - [OneToOne]: one sender, one receiver.
//   - [ManyToOne]: any number of senders, one receiver. Messages of all of them are in one
//     order. A sender that has a loan keeps later messages waiting until it is sent.
//   - [Broadcast]: one sender, and several receivers that each get all messages. [Config]
//     says what happens to a receiver that is a whole ring behind: the sender waits for it,
//     it loses the oldest messages, or it is disconnected. What a receiver is reading is
//     never overwritten, in all three. Without receivers the sender waits for none.
//
// # Waiting
//
// A receiver that finds no message spins while that has been paying off, and then parks, which
// costs it no processor time, and the sender a system call with the next message. It spins for
// up to 50 µs, and 0.4 µs more for each KiB of the message before, which the sender needs to
// write as much again, but at most 1 ms. A sender spins so for the room of a message of 64 KiB
// or more, where there is one receiver and one sender. [Config].Wait has both only park, or
// receivers only spin. ipcsync.WaitAny takes receivers beside locks, events and queues.
//
// # Deaths
//
// A process may be killed at any instruction; docs/crash-safety.md has the cases. A message
// whose Send has returned is not lost. What a receiver had received and not released is
// received again by the next one, marked: [Sample.Redelivered]. (In a Broadcast positions
// end with their receiver.) What a sender had not sent is skipped. The others notice at once
// where they need not wait for the dead process, and else within half a second of its end.
//
// # Caveats
//
//   - The value of a loan or sample must not be used after Send or Release, nor after Close
//     of the ring: it is other memory then, or, on Windows, none, and touching it crashes.
//   - A loan has what an earlier message has left. Set every field.
//   - A process that may write the ring may change a message while it is being read. Copy what is
//     checked, if that process is not trusted. If Config.Allow, Mode or Trust lets other users
//     in, these can also truncate the file, and a message that is read in place then faults.
//   - A receiver is not told that there is no sender any more: [Ring.Stats] tells.
//   - A receiver releases samples in the order in which it has received them.
//   - Processes that share one processor give way to each other while they spin.
//   - On Windows, and where other users may write the ring, each call takes some tens of
//     nanoseconds more, for protection.
//
// Experimental.
package ring
