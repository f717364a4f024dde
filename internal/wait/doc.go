// Package wait parks goroutines until something in shared memory changes, and
// wakes them, across processes.
//
// A [Gate] is a 32-bit word in shared memory, of our own layout, on which
// everything else is built: a waiter announces itself there, so that the process
// that makes a change makes a system call only if a waiter is parked. A [Word] is
// the layer below, for words whose layout others define (glibc's semaphore).
//
// # Guarantees
//
//   - No waiter sleeps through a change. The argument stands at [Gate.Wake], and
//     docs/models/parkwake.pml checks it with store buffers, kills and
//     cancellations; the same model with a fence missing fails.
//   - A wake-up that races with a cancellation is not lost. A waiter on which a
//     wake-up was spent tries again first, whatever its context says, and returns
//     nil if it finds what it waited for. If that attempt fails with an error, the
//     wake-up is passed on. So an error means that nothing was taken and no wake-up
//     was swallowed, and the caller has nothing to pass on.
//   - Cancellation is local. It unparks one waiter of this process; no other
//     process is woken by it.
//   - A wake-up may be lost with the process that it woke. Therefore every waiter
//     tries again after at most 100 ms, and then checks also what no wake-up
//     announces: owner death, removal. On Linux a waiter that has waited for half a
//     second checks when a process closes the object's file, which includes its
//     death, or when the file is removed (see [Word.WatchFile]), and otherwise every
//     half second.
//
// # Threads
//
// Of the waiters for one word in one process only the first parks in the kernel.
// When it leaves, for whatever reason, it promotes the next, which then tries for
// itself. So the waiters of a word have to be interchangeable: where the first
// finds nothing, the others would find nothing either. Give waiters for different
// things different words. (Each waiter tries once when it has queued: the first may
// be waiting for a later change.)
//
// The first GOMAXPROCS of these waiters have a thread each, their own thread.
// Further ones share up to twelve threads, with 127 words on each (futex_waitv; 63
// events on Windows). What waits beyond that is polled.
//
// On Linux before 5.16 GOMAXPROCS+8 waiters have a thread each, and the rest is
// polled.
//
// Polling reads the words and backs off from 50 µs to 10 ms.
//
// On Windows futexes don't reach other processes. There each word has a named
// event, derived from the object's identity. The event is sticky and wakes one
// waiter, which sets it again for the next, so that every wake reaches all
// processes. Only a waiter that was stopped just before it parked can miss its
// turn; it tries again after 100 ms. The shared threads also wait for kernel
// objects, for package kernelobj.
//
// On macOS and other systems all words are polled.
//
// # Unmapping
//
// Close the words before the memory is unmapped or other memory is mapped over it.
// [Word.Close] ends the waiters of this process, no others, and returns when the
// last of them has left and nothing in this package will touch the memory any more.
// Wake may still be called as long as the addresses are mapped to something; over
// zeros it does nothing.
package wait
