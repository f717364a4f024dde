// Package python has Python's own formats: for shared memory arrays of numpy and the
// ShareableList of multiprocessing.shared_memory, and for messages
// multiprocessing.connection, as its peer in both roles.
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
// Messages, over any net.Conn (experimental: any version may change this part):
//
//	c, err := python.Client(ctx, conn, &python.Config{AuthKey: key}) // conn to Python's Listener
//	l, err := python.NewListener(below, &python.Config{AuthKey: key}) // for Python's Client
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
// Between Go programs shm.Struct and shm.Latest are checked by Go's own types.
//
// Use [Client] and [Listener] to meet Python programs that have a
// multiprocessing.connection already, or whose authors want one line for it. Between Go
// programs, and with others that know sockets, use socket.Framed, a pipe or a queue.
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
//   - Arrays and lists are for little-endian machines. On others, such as s390x, creating
//     and opening fail with [errors.ErrUnsupported].
//   - numpy's bool, strings, datetimes and Python objects have no Go type here.
//   - What Python sends by send, rather than send_bytes, is a pickle: a program. [Conn]
//     carries its bytes and does not look into them.
//   - The handshake with an authkey neither encrypts nor protects what follows it. Use it
//     over a connection that does, such as a Unix socket or TLS of package socket.
//   - On Windows Python's pipes (AF_PIPE) have no length before a message:
//     [Config.Messages].
//   - Nothing is synchronized: what one program writes while the other reads may be
//     seen in part. Take turns by a semaphore or mutex of package ipcsync.
package python
