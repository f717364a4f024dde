// Package robust has objects in shared memory that outlive the death of the
// processes that use them: locks today, queues and rings on the same ground. The
// word is POSIX's.
//
// An [Object] is a file bw.KIND.NAME, or a place in another file, in which a
// [Layout] says what stands where: the object's own words, then a slot for every
// process that has it open (package liveness), then what else the kind needs. On
// these stand
//
//   - [Owner]: a word that names a holder, and can be taken from a dead one;
//   - [Mutex]: an owner word with a gate at which others wait;
//   - [Section]: memory that one process at a time changes in several steps, and
//     that the next one repairs;
//   - [Claim] and [Waitable]: how at most one of several waits succeeds.
//
// # What holds
//
// A process may be killed between any two instructions. Every change of what
// others see is one operation on one word, or happens in a Section whose repair
// can be repeated. What a dead process held is found by the word that names it: by
// waiters, which look from time to time, and by the next process that takes the
// slot, before it uses the object.
//
// Bytes of an object may change at any time, written by a process that means harm.
// Each word is read once, checked against bounds that this process keeps, and then
// used.
//
// # Close
//
// Close lays private zeros over the memory (Linux), so that the hot path needs no
// count of its users: an operation that comes late finds zeros, and looks whether
// the object was closed before it reports success. Where memory must be protected,
// and on Windows, Close waits for the calls that are under way.
package robust
