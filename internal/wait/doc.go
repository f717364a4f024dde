// Package wait parks goroutines until something in shared memory changes, and
// wakes them, across processes.
//
// A [Gate] is a 32-bit word in shared memory, of our own layout, on which
// everything else is built: whoever waits announces it there, so that whoever
// changes something makes a system call only if somebody is parked. A [Word] is
// the layer below, for words whose layout others define (glibc's semaphore).
//
// # What holds
//
//   - Nobody sleeps through a change. The argument stands at [Gate.Wake], and
//     docs/models/parkwake.pml checks it with store buffers, kills and
//     cancellations; the same model with a fence missing fails.
//   - A wake-up that raced with a cancellation is not lost. A waiter on whom one
//     was spent looks again first, whatever its context says, and returns nil if
//     it finds what it waited for. If that look fails with an error, the wake-up
//     is passed on. So an error means that nothing was taken and no wake-up was
//     swallowed, and the caller has nothing to pass on.
//   - Cancellation is local. It ends one waiter, by a private bell; no other
//     process is woken by it.
//   - A wake-up may die with the process that it woke. Therefore every wait looks
//     again after at most 100 ms, and tells the caller to look also after what no
//     wake-up announces: whether the owner lives, whether the object is still
//     there. On Linux one that has lasted for half a second looks when somebody
//     closes the object's file, as everybody does who dies, or removes it (see
//     [Word.WatchFile]), and otherwise every half second.
//
// # Who sleeps where
//
// Of those who wait for one word in one process only the first sleeps in the
// kernel; it promotes the next when it leaves, for whatever reason, and the next
// looks for itself. So they have to be interchangeable: where the first finds
// nothing, the others would find nothing either. Give waiters for different
// things different words. (Each looks once when he has queued: the first may be
// waiting for what comes after that.)
//
// The first GOMAXPROCS of these sleep on a thread each. Further ones share up to
// twelve threads, with 127 words on each (futex_waitv; 63 events on Windows).
// What waits beyond that is polled.
//
// On Linux before 5.16 GOMAXPROCS+8 have a thread each, and the rest is polled.
//
// Polling looks at the words and backs off from 50 µs to 10 ms.
//
// On Windows futexes don't reach other processes. There each word has a named
// event, derived from the object's identity. It is sticky and wakes one, who
// sets it again for the next, so that every wake reaches all processes. Only a
// waiter that was stopped just before it fell asleep can miss its turn; it looks
// again after 100 ms.
//
// On macOS and other systems all is polled.
//
// # Unmapping
//
// Whoever wants to unmap the memory, or to lay other memory over it, closes the
// words first. [Word.Close] wakes the waiters of this process, no others, and
// returns when the last of them has left and nothing in this package will touch
// the memory any more. Then the range may be overlaid or unmapped. Wake may still be called by stragglers as long as the addresses are
// mapped to something; over zeros it does nothing.
package wait
