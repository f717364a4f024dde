// Package kernelobj waits for named objects of the Windows kernel, with a context:
// semaphores and events by Object, mutexes by Mutex. On other systems it is
// empty.
//
// # Waiting
//
// Of the goroutines of this process that wait for one object only the first waits
// in the kernel. It does so on a thread that package wait shares among many
// waiters, except for a mutex: the kernel gives a mutex to a thread, so each one
// that is owned or waited for takes a thread of its own.
//
// A cancelled wait has taken nothing.
//
// # Names
//
// All named kernel objects share one namespace for each breezeway.Scope; see
// Name. An object vanishes with its last handle.
package kernelobj
