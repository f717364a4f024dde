// Package socket connects processes by Unix sockets, by TCP, and by TLS with
// certificates at both ends.
//
// Experimental: any version may change it.
//
//	l, err := socket.Listen("unix", "/run/app.sock", nil)           // this user only
//	c, err := socket.DialWait(ctx, "unix", "/run/app.sock", nil)    // waits for the server
//	l, err := socket.Listen("tls", "0.0.0.0:8443", &socket.Config{TLS: certificates})
//
// Listeners and connections are [net.Listener] and [net.Conn], so net/http, gRPC and every
// other protocol library runs over them unchanged.
//
// # When to use it
//
//   - To reach other machines: "tls", or "tcp" where something else protects the bytes.
//   - To meet programs that expect a Unix socket at a path of their choice, or an abstract
//     one: "unix", or "unixpacket" (SOCK_SEQPACKET), which keeps packets apart.
//   - To pass open files to another process: [Conn.SendFiles] (Linux).
//   - To be started by systemd when a client comes: [Activated] (Linux).
//   - To restart a server without a client noticing: [Config.HandOver] (Linux).
//   - To send whole messages over any connection: [Framed].
//
// When not: between programs of one machine that choose the name freely use package pipe,
// which works on Windows too and which C# finds by name. For the same bytes in many
// processes use shared memory, for one message to many receivers a queue.
//
// # Networks
//
//	unix        a stream; the address is a path of at most 107 bytes or, on Linux, @NAME
//	unixpacket  the same with packets (SOCK_SEQPACKET, Linux)
//	tcp         a stream; the address is HOST:PORT
//	tls         TCP with TLS; Config.TLS has the certificates
//
// A path belongs to a living process. [Listen] never takes it away from a live server,
// replaces the socket of a killed one, and makes it for this user only. Both ends of a
// Unix socket check the other's user, as in package pipe: [Config.Mode] and [Config.Allow]
// of a server admit clients of other users, [Config.Trust] of a client names the other
// users whose servers it talks to.
//
// The host of a TCP address is never left out for a listener: 127.0.0.1 is this machine,
// 0.0.0.0 every one that reaches it. TCP identifies no peer: every user of this
// machine reaches a server at 127.0.0.1. With "tls" both ends show a certificate.
//
// # Caveats
//
//   - That Write succeeded says that the system took the bytes, not that the other side
//     did. Programs that must know answer.
//   - A client that TLS 1.3 refuses learns it from its first Read, since its side of the
//     handshake is over by then: Dial has succeeded.
//   - An abstract name has no file and so no owner: the first process of any user takes it.
//     Clients check the server's user after they have connected.
//   - If another program removes a listener's socket file, no client finds the server any
//     more. Package pipe's listeners take their name again; these don't.
//   - On Windows there are "tcp" and "tls". What Windows has of Unix sockets doesn't
//     identify the user at the other end: use package pipe.
package socket
