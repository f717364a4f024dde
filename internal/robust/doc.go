// Package robust provides objects in shared memory that outlive the death of the
// processes that use them. "Robust" is POSIX's word for such mutexes.
//
// An [Object] is a file bw.KIND.NAME, or a place in another file. A [Layout] says
// what stands where: the object's own words, then a slot for each process that has
// it open (package liveness), then what else the kind needs. Parts of objects are
//
//   - [Owner]: a word that names a holder, and that can be taken from a dead one;
//   - [Mutex]: an owner word and a gate where others wait;
//   - [Section]: memory that one process at a time changes in several steps, and
//     that the next one repairs;
//   - [Claim] and [Waitable]: they let at most one of several waits succeed.
//
// # Death
//
// A process may be killed between any two instructions. Every change that others
// see is one operation on one word, or is made in a Section, whose repair can be
// repeated. The word that names a dead holder leads to what it held. Waiters check
// that from time to time, and so does the next process that takes the slot, before
// it uses the object.
//
// # Trust
//
// Another process may change the bytes of an object at any time. Each word is read
// once, checked against bounds in private memory, and then used.
//
// # Close
//
// After Close no call may change the shared memory, and the hot path must not pay
// for that. If no other user can truncate the memory, Close on Linux therefore
// doesn't wait for calls, but replaces the memory by private zeros, with one system
// call. The order is:
//
//  1. store closed;
//  2. end this process's waits;
//  3. replace the memory by zeros;
//  4. wake the waiters in other processes, if there are some: a call that changed the
//     shared memory before may look for them in the zeros;
//  5. give up the slot.
//
// A call without protection ([Object.Direct]) changes a word, and loads closed after
// that. If it loads false, its change was made in shared memory: a processor that
// has seen the zeros has seen what was stored before them. If it loads true, the
// change may have been made in either, and it fails; see [Mutex.LockFree]. After the
// slot was given up this process can't change the shared memory any more. So nothing
// happens in the name of a slot that may be another process's by now.
//
// The addresses stay mapped as long as the Object is reachable: a call without
// protection uses the Object after it has touched the memory, by loading closed.
//
// If the memory must be protected, and on Windows, Close waits for calls in
// progress.
package robust
