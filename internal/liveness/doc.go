// Package liveness tells whether the process that holds something in shared memory
// still lives. It asks the kernel: there are no heartbeats, and process ids decide
// nothing.
//
// A holder is a slot and a generation. While a process uses a slot it has a lock
// on that slot's byte of the object's file; the kernel drops the lock when the
// process dies. A process that takes a slot increments its generation: what an
// older generation held is left from a dead process. A [Table] does both; an object
// that counts generations in its own way takes a [Slot] alone.
//
// If a slot has no lock, its holder is dead. If it has one, the holder may be dead
// all the same, because a new process has just taken the slot: then its generation is
// another, or will be at the next check.
package liveness
