// Package pipe connects processes with pipes: named pipes between programs that
// know nothing of each other but a name, anonymous pipes between a parent and
// its child, pipelines of commands, and FIFOs.
//
// # When to use it
//
//   - Two programs on one machine that start and stop on their own, one asking
//     the other: a named pipe ([Listen], [Dial]). Both ends are [net.Conn], so
//     net/http, gRPC and every other protocol library runs over it unchanged.
//     It needs no port, and identifies the user at the other end.
//   - A parent and the child that it starts: [Start] and [Inherited], or [New]
//     and [Inherit] for one direction and for children in other languages.
//   - Several commands joined as a shell joins them: [NewPipeline].
//   - Shell scripts and programs that only know files: a FIFO ([OpenFIFO]).
//
// When not: between machines use TCP with TLS, where many processes need the
// same bytes use shared memory, and for one message to many receivers a queue.
//
// # Named pipes
//
// A named pipe is what the system calls so on Windows, and a Unix stream socket
// elsewhere, at the path where .NET looks for it: C# programs with
// NamedPipeServerStream and NamedPipeClientStream are met by name on both, and
// on Unix every program that can open a socket. docs/interop.md shows them.
//
// Bytes flow as in a stream unless both ends set [Config.Message].
//
// A name belongs to a living process. When its owner is killed, at whatever
// instruction, the next [Listen] succeeds, and no wait of the other side
// outlasts it. Listen never takes a name away from a live server.
//
// Only processes of the same user, and of the superuser, connect. [Config.Mode]
// and [Config.Allow] of a server admit clients of other users; [Config.Trust] of
// a client names the other users whose servers it talks to. Both ends check.
// docs/security.md has the whole picture.
//
// # Caveats
//
//   - That Write succeeded says that the system took the bytes, not that the
//     other side did: see [Conn.Drain]. Programs that must know answer.
//   - On Unix a client is connected before it is accepted. What it wrote waits;
//     if the server closes its listener first, the client gets ECONNRESET.
//   - On Unix the directory is [os.TempDir]: processes with different TMPDIR
//     (macOS gives every user one of their own, systemd's PrivateTmp a service)
//     don't meet by a short name. Agree on a path then.
//   - A .NET server on Unix removes whatever is at its path, a live server's
//     socket included. A listener of this package whose socket is removed takes the
//     name again after 100 ms, unless another server has it: see [Listener.Accept].
//   - Half a named pipe's connection can't be closed on Windows: protocols that
//     need the end of the request to be marked should mark it themselves.
package pipe
