// Package worker, experimental, runs functions of this program in other processes of the
// same executable: to use several processors without sharing a heap, and to survive what
// may crash, leak or hang.
//
//	var Resize = worker.Define("resize", func(ctx context.Context, in Image) (Image, error) {
//		return resize(in) // in another process
//	})
//
//	func main() {
//		worker.Main() // in a worker it serves, and doesn't return
//		pool, err := worker.Start(context.Background(), nil)
//		if err != nil {
//			log.Fatal(err)
//		}
//		defer pool.Close()
//		small, err := Resize.Call(ctx, pool, large)
//		…
//	}
//
// # When to use it
//
//   - A part that may crash the process: cgo, unsafe code, a parser of hostile files. A panic,
//     a fault, os.Exit or a lack of memory ends the worker; the caller gets a [*Crash] with
//     the trace, and the pool starts another worker.
//   - A part that may hang: goroutines can't be ended from outside, processes can. A function
//     that ignores its context is killed after [Config.Grace].
//   - A part whose memory is to be bounded, or given back for certain: [Config.MaxMemory],
//     [Limits].
//   - Something that a process has only one of: a working directory, an environment, a C
//     library's state. [Pool.Key] gives a session a process of its own.
//
// When not: to use several processors goroutines do, and a call to one costs a fraction of
// a call to a process. Processes help where the collector's work on one large heap does
// harm, or where functions are kept apart for another reason. What shall outlive this
// program, or be reached by others, is a server: see packages rpc and pipe. Programs in
// other languages are started with [pipe.Start].
//
// # How it works
//
// [Start] starts this executable again, some times; [Main] notices in those processes that
// they are workers, by a variable of the environment and a connection that is inherited,
// and serves. Calls travel through shared memory (package shmnet) on Linux and through
// pipes elsewhere. A worker calls one function at a time; calls that find no free worker
// wait, the first one first.
//
// Both processes run the same file, so values cross as they lie in memory as far as that is
// possible, and completely: [Define] says which. What was built from other sources is
// refused at Start.
//
// Workers end with this process, within a second however it ends: kill -9 included. What they
// print to standard output and standard error goes to [Config.Stderr].
//
// # Which errors come back
//
//   - What the function returned: the same text; the same error for [errors.Is] if it is
//     registered ([RegisterError]).
//   - [*Crash]: the worker died. The function may have done its work, or a part of it:
//     nothing is known. Functions that can be called again are marked [Func.Idempotent].
//     A call that the worker had not taken yet goes to another one instead, on Linux and
//     Windows.
//   - The cause of ctx, at once, when that ends. In the worker the ctx of the function ends
//     within milliseconds.
//   - [os.ErrClosed]: the pool or the key is closed.
//
// # Caveats
//
//   - Package variables are those of the worker's own process. What main does after Main,
//     and flags, don't happen there; what package variables and init functions do happens
//     in every worker, so that a slow start is paid by each.
//   - An input and a result together are at most 1 GiB, and are copied. [Pool.Buffer] is for
//     large data. [Func.Map] keeps large batches of plain values in memory that all workers
//     of the pool share, at most 32 MiB, of which the pool keeps up to 4 MiB.
//   - A worker is a process of the same user, with the same rights: it can be bounded
//     ([Limits]) but is no sandbox. It can't make the parent crash or read beyond what it was
//     given: what it answers is checked.
//   - A panic in a goroutine that a function left behind ends the worker as well, and the call
//     that runs then gets the Crash.
//   - Workers can't start workers.
//   - Children of a worker that hold its standard error open delay its Crash by up to a second.
//   - On Windows and macOS there is no shared memory below calls, which take as long as a
//     pipe's round trip. macOS has no buffers. On Windows a worker that was killed by a
//     limit looks as if it had exited.
package worker
