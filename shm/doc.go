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
// When several processes need the same bytes: an image, a table, a model, a
// counter. Nothing is copied and nobody is asked. It is the fastest passage there
// is, and the one with the least help: memory says neither that something changed
// nor whether it is complete. To hand messages over use a queue or a ring, and to
// take turns package ipcsync.
//
//   - [Segment]: bytes, with everything that package mmap has for them. Programs in
//     other languages meet it under the same name: shm_open in C,
//     multiprocessing.shared_memory in Python, MemoryMappedFile in .NET.
//   - [Struct]: one value of a Go type, whose layout is checked.
//   - [Latest]: one value that one process replaces again and again, and any number
//     read: the state of a machine, the last measurement.
//   - [Array]: a numpy array.
//   - [ShareableList]: Python's list of that name.
//
// # Where it is
//
// On Linux the segment frame is the file /dev/shm/frame, of exactly the size asked
// for, without a header, and it stays until [Remove] or the next boot. On Windows
// it is the section Local\frame, which goes with its last handle, and whose size
// is rounded up to whole pages for those who open it. A [Struct], a [Latest] and
// other objects of this module are files named bw.KIND.NAME, laid out as
// docs/formats.md says.
//
// Only this user (and the superuser) can open a segment, unless [Config.Mode] or
// [Config.Allow] say otherwise; and what belongs to somebody else is not opened.
//
// # Caveats
//
//   - The caveats of package mmap: close, no slices after that, atomic functions
//     or a lock where two write.
//   - On Linux a segment outlives its processes, and holds memory. Somebody must
//     remove it.
//   - Any process that may write to a segment may also truncate it. Accessors
//     report that as an error; sealed segments ([CreateUnnamed]) exclude it.
//   - Containers have a /dev/shm of their own, of 64 MiB by default.
//   - Python before 3.13 removes a segment when a process that merely attached to
//     it exits: docs/interop.md has the way out.
package shm
