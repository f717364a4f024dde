// Package shm is shared memory: the same bytes in many processes, found by name
// or handed over as a descriptor.
//
//	seg, err := shm.Create("frame", 4096, nil)
//	defer seg.Close()
//	err = mmap.Write(seg.Mapping, 0, uint64(1))
//
// and in another process
//
//	seg, err := shm.Open("frame", nil)
//	v, err := mmap.Read[uint64](seg.Mapping, 0)
//
// # When to use it
//
// Use it when several processes need the same bytes: an image, a table, a model, a
// counter. Nothing is copied, and no other process takes part in an access. It is the
// fastest way there is, and the one with the least help: memory says neither that
// something changed nor whether it is complete. To hand messages over use a queue or a
// ring, and to take turns package ipcsync.
//
//   - [Segment]: bytes, with everything that package mmap has for them. Programs in
//     other languages find it by the same name: shm_open in C,
//     multiprocessing.shared_memory in Python, MemoryMappedFile in .NET.
//   - [Struct]: one value of a Go type, whose layout is checked.
//   - [Latest]: one value that one process replaces again and again and that any
//     number of processes read or wait for: the state of a machine, the last
//     measurement.
//
// Package python has numpy arrays and Python's ShareableList in segments, and package
// dotnet what a .NET BinaryWriter writes there.
//
// # Where it is
//
// On Linux the segment frame is the file /dev/shm/frame, of exactly the size asked
// for, without a header, and it stays until [Remove] or the next boot. On Windows
// it is the section Local\frame, which goes with its last handle, and whose size
// is rounded up to whole pages for the processes that open it. A [Struct] and a
// [Latest] are files bw.KIND.NAME, laid out as docs/formats.md says.
//
// Only this user and the superuser can open what is created, unless [Config.Mode] or
// [Config.Allow] admit others. Objects of other users are opened only if
// [Config.Trust] names them.
//
// # Caveats
//
//   - The caveats of package mmap: close, no slices after that, atomic functions
//     or a lock where two processes write.
//   - On Linux a segment outlives its processes and holds memory until a process
//     removes it.
//   - Any process that may write to a segment may also truncate it. Accessors and
//     functions inside Borrow report that as an error; sealed segments
//     ([CreateUnnamed]) exclude it. Slices and pointers outside Borrow, and a
//     [Latest] that admits no other user, are not protected: if a process of this
//     user truncates the file, their users crash.
//   - Containers have a /dev/shm of their own, of 64 MiB by default.
//   - Python removes a segment when a process that merely attached to it exits. A
//     SharedMemory with track=False, which 3.13 brought, doesn't; docs/interop.md has
//     the way out for older ones.
package shm
