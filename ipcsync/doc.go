// Package ipcsync lets processes take turns: semaphores, locks and events that are
// found by name, and that survive the death of any process that uses them.
//
//	m, err := ipcsync.OpenOrCreateMutex("deploy", nil)
//	if err != nil {
//		return err
//	}
//	defer m.Close()
//	return m.Do(ctx, func(recovered bool) error {
//		if recovered { // a process died in here, and its work is half done
//			repair()
//		}
//		return deploy()
//	})
//
// # When to use it
//
// Use it when two processes must not do something at the same time, or when one
// waits until another is ready. To hand data over, use a pipe, which transfers and
// waits in one. Between goroutines of one process, package sync is faster.
//
//   - [Mutex]: one holder at a time. [RWMutex]: one writer, or any number of
//     readers.
//   - [Semaphore]: a number of permits.
//   - [Event]: a flag that says that something has happened.
//   - [FileLock]: a file, or a range of its bytes, together with programs that lock
//     files in the system's own way.
//   - [Lead]: one of several processes does the work.
//   - [WaitAny]: the first of these that can be had.
//   - [Barrier] and [Cond], experimental.
//
// # Finding an object
//
// Each kind has a Create, an Open and an OpenOrCreate. [Await] opens an object as
// soon as it exists. [Remove], [List] and [Stat] take the kind as a parameter. An
// object can also stand in memory that the caller shares, beside the data that it
// protects, instead of having a name: [Config].At.
//
// On Linux a semaphore is glibc's, and so that of C, Python and Boost. On Windows
// semaphores, mutexes and events are the kernel's, and so .NET's. docs/interop.md
// has the details. All others are our own, described byte by byte in
// docs/formats.md.
//
// # Access
//
// An object admits only the user that created it, and the superuser, unless
// Config.Mode or Config.Allow says more. Open accepts only objects of this
// process's own user and the superuser, unless Config.Trust names other users.
//
// # Surviving a killed process
//
// A process may be killed at any instruction; all others go on. The kernel tells
// which processes live: there are no heartbeats, and process ids decide nothing.
// A waiter finds out within 100 ms that a holder died.
//
//   - A [Mutex] and an [RWMutex] are taken over. [Held.Recovered] is then true for
//     every holder until one has repaired what the lock protects and called
//     [Held.MarkConsistent]. Unlocking without it leaves the lock marked as
//     recovered: no lock becomes unusable. [Mutex.Do] does both.
//   - A [Semaphore] gets the permits of a dead process back if Config.Track is set.
//   - A leader is replaced, and the next one is told ([Leader.Recovered]).
//   - A [Barrier] is broken until it is reset.
//   - A file lock is dropped, and the next holder is not told.
//
// A process that is stopped, by SIGSTOP or a debugger, is not dead and keeps what
// it holds. A process that exits without unlocking counts as dead.
//
// # Waiting
//
// A wait ends within 10 ms when its context is done, with [context.Cause], and when
// this process closes the object, with [os.ErrClosed], or when the object is removed by
// [Remove], with [breezeway.ErrRemoved]. No other waiter is disturbed, and no wake-up is
// lost.
//
// A waiter spins for at most 25 µs, as long as that pays off, and then parks in the
// kernel. On Linux and Windows the waiters of a process need at most GOMAXPROCS + 16
// threads, however many they are; [Mutex] and [FileLock] say what they need besides.
// On Linux a process has one inotify instance, which announces deaths to waiters of
// more than half a second; where the user has none left they look every 100 ms.
//
// Waiters may be overtaken. A waiting writer of an RWMutex blocks new readers.
//
// # Memory
//
// What a process did before it unlocked, released or set is seen by the process
// that then locks, acquires or stops waiting, in shared memory as in its own. The
// race detector sees this only between goroutines that use the same value: one
// *Mutex, for example, not two that opened the same name.
//
// # Windows
//
//   - Semaphores, mutexes and events go with their last handle. Remove and List
//     fail with [errors.ErrUnsupported] for them. The other kinds are files of the
//     user, which stay until they are removed, and can't be removed while they are
//     open.
//   - Segments, semaphores, mutexes and events share one namespace. A name that an
//     object of another kind has is [breezeway.ErrMismatch].
//   - [Mutex] says when Recovered is lost.
//   - What is not known, such as the number of waiters of an event, is -1 in [Stats].
//
// # Caveats
//
//   - Goroutines have no identity here, so nothing is recursive: a goroutine that
//     locks twice waits for itself.
//   - A [Held] means nothing in another process.
//   - On Linux objects stay until they are removed or the machine restarts. What
//     [Remove] removes can't be locked any more. What another program removes can:
//     rm(1), a cleaner of /dev/shm, or systemd-logind, which by default removes the
//     objects of a user that is no system user when its last session ends (RemoveIPC).
//     Waiters notice that within a second and get [breezeway.ErrRemoved]; a Lock that
//     needn't wait succeeds, while a process that creates the name anew has another
//     lock. docs/crash-safety.md says how to keep objects from cleaners.
//   - An object of our own can be open 504 times at once, or as often as
//     Config.Slots said when it was created. Each costs 16 bytes.
//   - Death is seen when the kernel has freed the dead process's memory and closed
//     its files: after less than a millisecond for a small process, most of a
//     second for one with 4 GiB. All bounds count from then.
//   - A process that is stopped while it opens an object may have just taken the slot
//     of a dead one: what that one held then looks held until the stopped process
//     goes on or ends.
//   - A lock that a process holds is held until it is unlocked or closed or the
//     process ends, also if the process has no reference to it any more.
//   - With Config.Track a process that is stopped just while it changes what is
//     tracked, which takes microseconds, keeps others from opening the semaphore and
//     from releasing until it goes on or ends. Acquire and [WaitAny] end with their
//     context, TryAcquire reports false after 10 ms, and Close takes a second.
//   - With Config.Track the first process that tracks makes the table beside the
//     semaphore. The table belongs to that process's user and has its Mode and Allow,
//     whatever the semaphore's are. Users that share a semaphore all give Mode or
//     Allow, and name each other in Trust; otherwise the first shuts the others out.
//   - With Config.Track a table that a program other than this package removes by its
//     path (bw.track.NAME) is made anew without what was in it: what its users held
//     is not given back.
//   - A process that forks without exec leaves its locks to the child: it counts as
//     alive as long as the child lives.
//   - Permission to read an object is the power to block it. A process that can open
//     the file for reading can lock the bytes that say which processes live: then
//     others can't open the object, or a dead holder looks alive.
//   - On Linux, the processes of one user are trusted not to truncate each other's
//     objects: if one does, the processes that use the object crash. Where
//     Config.Mode or Config.Allow let other users write the file, that is
//     [io.ErrUnexpectedEOF] instead, and each call costs some nanoseconds more.
//   - On Linux only semaphores of 64-bit glibc programs are understood. A wake-up
//     that dies with the process it woke is made up for by our waiters, not by
//     glibc's.
//   - macOS has file locks only, and only of whole files.
package ipcsync
