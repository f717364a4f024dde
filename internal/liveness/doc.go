// Package liveness answers, by the kernel's word, whether the process that holds
// something in shared memory still lives.
//
// A holder is a slot and a generation. While a process uses a slot it has a lock
// on that slot's byte of the object's file; the kernel drops the lock when the
// process dies. A process that takes a slot increments its generation: what an
// older generation held is a dead process's. A [Table] does both; an object that
// counts generations in its own way takes a [Slot] alone.
//
// A slot without a lock proves that its holder is dead. A slot with a lock proves
// nothing by itself, since a new process may have taken it a moment ago: then its
// generation is another, or is about to be, and the next look sees that.
package liveness
