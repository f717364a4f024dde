// Package mmap maps files into memory: a large file can be used as if it were a
// slice, and what one process writes there every other process that has mapped
// the file sees at once.
//
//	f, err := os.OpenFile("readings.bin", os.O_RDWR|os.O_CREATE, 0o600)
//	m, err := mmap.Map(f, &mmap.Config{Capacity: 1 << 20})
//	defer m.Close()
//	err = mmap.Write(m, 16, uint32(7))
//	v, err := mmap.Read[uint32](m, 16)
//
// # When to use it
//
// Use it for a file that is large and read in parts or in no particular order; for
// state that outlives its processes; for data that several processes work on in
// place.
//
// Use a segment of package shm instead where the data need not outlive its
// processes: it is the same without a disk behind it. To read a small file once,
// [os.ReadFile] is simpler, and as fast.
//
// # Access
//
// From the most protected to the fastest:
//
//   - [Read], [Write], the atomic functions, [Mapping.ReadAt] and
//     [Mapping.WriteAt], and a [Stream] check every call: bounds, Close, and a
//     file that was truncated meanwhile are errors.
//   - [Mapping.Borrow] gives a function the memory. Close waits for it, and a fault
//     is an error.
//   - [Slice], [View] and [Mapping.Bytes] are checked once and are plain Go
//     values afterwards.
//
// # Types
//
// A type can live in shared memory if it is an integer, a float or a complex
// number, or made of them by arrays and structs: atomic.Uint64 is such a struct.
// int and uint have 8 bytes on the 64-bit machines that shared layouts are for.
// These types are refused, with an error that wraps [os.ErrInvalid] and names the
// field at fault:
//
//   - everything that holds a Go pointer (pointers, slices, strings, maps,
//     channels, functions, interfaces): it means nothing to another process, and
//     what another process wrote there would corrupt this one;
//   - bool, because the compiler relies on its being 0 or 1, and another process
//     may write a 2: use uint8;
//   - uintptr, an address;
//   - the types of package sync, which wait within one process only: use package
//     ipcsync;
//   - a type without a size.
//
// # Caveats
//
//   - Close a Mapping: the collector doesn't. Don't use slices and pointers into
//     it after that.
//   - A mapping orders nothing: two processes that write the same bytes need a
//     lock or the atomic functions. The race detector doesn't see mapped memory.
//   - What another process writes may change between two reads of it. Copy the
//     bytes, check the copy, and use the copy.
//   - Bytes are shared as they lie in memory: little-endian, with the padding of
//     Go's structs, which on 64-bit machines is C's.
//   - Borrow turns a fault into an error only on the goroutine that called it, and
//     not in the runtime's own work: c <- s[0] crashes the process. [Mapping.Borrow]
//     lists these cases and what to write instead.
//   - Functions that turn a fault into an error need a few nanoseconds a call for
//     that. Only memory that can't fault is accessed without: see [Mapping.Fixed].
//   - The addresses of a closed Mapping are given back when the collector finds
//     it unreachable. They hold no memory, but count against ulimit -v. When they
//     have become many Close starts a collection, and so does a Map that finds none
//     left.
//   - On Windows Close waits for accessors in progress, and a file can't be
//     truncated while it is mapped.
package mmap
