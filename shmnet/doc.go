// Package shmnet, experimental, connects processes of one machine with streams of bytes
// that travel through shared memory.
//
// # When to use it
//
//   - Two programs on one machine that talk much and want short answers: [Listen] and
//     [Dial]. Both ends are [net.Conn], so net/http, gRPC and every other protocol library
//     runs over it unchanged. While both ends are busy a round trip makes no system call.
//   - Data that is made or used in place, without copies: [Conn.Reserve], [Conn.Peek].
//
// When not: for the same with programs in other languages, and for connections that are
// mostly idle, use a named pipe (package pipe), which costs less memory. Between machines
// use TCP with TLS. For messages rather than bytes use a queue.
//
// # How it works
//
// A server listens at a named pipe of its own kind, which package pipe makes: a Unix
// socket, or a named pipe on Windows. Each connection has a ring of bytes each way, in
// memory that belongs to it alone. The socket stays: its file's rights and the kernel's
// word say which user is at the other end ([Conn.Peer]), a byte on it wakes an end that
// sleeps, and its end is that of the other process.
//
// An end that waits spins for up to 25 µs if that has been paying off, then sleeps in the
// runtime's poller, as other connections do; [Config.Park] has it sleep at once. Meanwhile
// it yields its processor, with GOMAXPROCS 1 also to other goroutines. Where the two
// processes take turns on one processor all the same, as they do on Linux when one has
// woken the other, the thread that spins moves to another one that it may run on.
//
// Where memory can't be shared the bytes travel through the socket or named pipe itself:
// [Conn.Transport] says so, and [Config.Logger] is told why. On macOS that is always so. On
// Windows it is so for clients in a sandbox, and between log-on sessions unless the server
// is a service or an administrator.
//
// # Caveats
//
//   - That Write succeeded says that the bytes are in the ring, not that the other side
//     read them: see [Conn.Drain]. Programs that must know answer.
//   - The death of the other process is an error here, and not the end of the stream:
//     [io.ErrUnexpectedEOF], within 100 ms. With [Plain] it looks like the end.
//   - The other process can change what [Conn.Peek] shows while it is looked at. Read
//     copies first.
//   - A ring's memory stays taken once it was written to, up to twice
//     [Config.BufferSize] for a connection. An idle one that has carried little has some
//     24 KiB, and 36 KiB of the paging file's limit on Windows.
//   - Dial waits for a server that is stopped, until its context ends.
package shmnet
