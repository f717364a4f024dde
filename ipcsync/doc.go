// Package ipcsync lets processes take turns: semaphores, locks and events that are
// found by name.
//
//	m, err := ipcsync.OpenOrCreateMutex("deploy", nil)
//	defer m.Close()
//	h, err := m.Lock(ctx)
//	if h.Recovered() { // whoever had it before died
//		repair()
//		h.MarkConsistent()
//	}
//	defer h.Unlock()
//
// # When to use it
//
// When two processes must not do something at the same time, or one waits until
// another is ready. To hand data over use a pipe or a queue, which do both in one,
// and are hard to use wrongly. For goroutines of one process package sync is
// faster.
//
//   - [Mutex]: one at a time. [RWMutex]: one who writes, or any number who read.
//   - [Semaphore]: so many at a time, a number that others can change too.
//   - [Event]: somebody says that something has happened.
//   - [FileLock]: a file or a range of its bytes, together with programs that lock
//     files in the system's own way.
//   - [Lead]: of several processes that could, one does the work.
//   - [WaitAny]: whatever of these is free first.
//   - [Barrier] and [Cond], experimental.
//
// Semaphores are those that the system has, and so those of C, Python, Boost and,
// on Windows, .NET, as on Windows mutexes and events are; docs/interop.md has the
// details. The others are our own, described byte by byte in docs/formats.md. They
// can also be put into memory that the caller shares, beside what they protect;
// see [Place].
//
// # Who dies doesn't keep the others
//
// Whoever is killed, at whatever instruction, keeps nobody from going on. The
// kernel tells who is alive; no heartbeats, no process ids. Who waits for something
// that a dead one holds finds that out within 100 ms. A Mutex or an RWMutex is taken
// over, and the next one is told ([Held.Recovered]), since what it protects may be
// half changed. A semaphore gives back a dead one's permits if [Config.Track] is
// set. A leader is replaced.
//
// Who is stopped, by SIGSTOP or a debugger, is not dead and keeps what it has.
// From a process that ends in the regular way without unlocking everything is
// taken as from a dead one.
//
// # Waiting
//
// Whatever waits ends within 10 ms when its context is done, with
// [context.Cause], when this process closes the object, with [os.ErrClosed], and
// within a second when the object is removed, with [breezeway.ErrRemoved]. Other
// waiters notice nothing of it; no wake-up gets lost. A waiter spins for at most
// 25 µs, if that has been paying off, and then sleeps in the kernel. However many
// goroutines wait, on Linux and Windows a process needs at most GOMAXPROCS + 16
// threads for it, apart from what is said at [Mutex] and [FileLock]. On Linux who
// waits for longer than half a second is told of deaths by an inotify instance, one
// for the process; where the user has none left, it looks every 100 ms.
//
// Nothing here is fair: who comes first may be overtaken, but nobody is for ever
// on purpose: a waiting writer of an RWMutex keeps new readers out.
//
// # Memory
//
// What a process did before it unlocked, released or set, is seen by whoever then
// locks, acquires or stops waiting, in shared memory as in its own. Under the race
// detector this holds between goroutines that use the same value: one Mutex, one
// Semaphore, and so on, not two that opened the same name.
//
// # Caveats
//
//   - Goroutines have no identity here, so nothing is recursive: who locks twice
//     waits for himself.
//   - A [Held] should be unlocked by the process that got it; it means nothing in
//     another.
//   - Objects stay until they are removed or, on Linux, the machine starts anew; on
//     Windows semaphores, mutexes and events go with their last handle.
//   - An object of our own can be open 504 times at once, and has two pages.
//   - Death is seen when the kernel has freed the dead process's memory and closed
//     its files: after less than a millisecond for a small process, most of a
//     second for one with 4 GiB.
//   - Only glibc's semaphores of 64-bit programs are understood on Linux. A
//     wake-up that dies with the process it woke is made up for by our waiters, not
//     by glibc's.
//   - macOS has file locks only, of whole files.
package ipcsync
