// Package python has Python's own formats for shared memory: arrays of numpy, and the
// ShareableList of multiprocessing.shared_memory.
//
//	a, err := python.CreateArray[float64]("matrix", []int{2, 3}, nil)
//	defer a.Close()
//	a.Data()[1*3+2] = 0.5 // row 1, column 2
//
// and in Python
//
//	matrix, segment = open_array("matrix") # ten lines, in docs/interop.md
//	items = shared_memory.ShareableList(name="job")
//	resource_tracker.unregister(items.shm._name, "shared_memory") # or Python removes it on exit
//
// # When to use it
//
// Use an [Array] where a Go and a Python program work on the same numbers, such as
// images, samples or features: nothing is copied, and element type and shape are
// checked when it is opened. Use a [ShareableList] for a few values of different
// types, such as the state of a job.
//
// Use package shm instead where both programs agree on bytes without a header: numpy
// views them as numpy.ndarray(shape, dtype, segment.buf, offset), Go as mmap.Slice.
// Between Go programs shm.Struct and shm.Latest are checked by Go's own types. To send
// messages use a pipe, a queue or a ring.
//
// # Caveats
//
//   - The caveats of packages shm and mmap. The name of an array or list is that of its
//     segment: shm.Remove(shm.KindSegment, name, nil) removes it.
//   - Python removes a segment when a process that merely attached to it exits. A
//     SharedMemory with track=False, which 3.13 brought, doesn't; docs/interop.md has
//     the way out for older ones and for a ShareableList.
//   - A ShareableList is for Python 3.9 and later: that of Python 3.8 has another
//     layout, which is [breezeway.ErrMismatch].
//   - Python cuts text outside ASCII that a list is created with, without an error.
//     Text that is cut in mid-character is [breezeway.ErrMismatch].
//   - Python removes the segment of a list or array that it made when the process that
//     made it exits. docs/interop.md says how to keep it.
//   - Only arrays in C's order with little-endian numbers are opened: others fail with
//     [breezeway.ErrMismatch], and numpy.ascontiguousarray turns them into such.
//   - numpy's bool, strings, datetimes and Python objects have no Go type here.
//   - Nothing is synchronized: what one program writes while the other reads may be
//     seen in part. Take turns by a semaphore or mutex of package ipcsync.
package python
