// Package endpoint opens what a URL names: streams, queues, latest values and
// leadership.
//
// Experimental: any version may change it.
//
//	l, err := endpoint.Listen(ctx, "pipe://chat")
//	c, err := endpoint.Dial(ctx, "tls://store.example:8443?ca=ca.pem&cert=me.pem&key=me.key")
//	q, err := endpoint.OpenQueue(ctx, "mq:///var/lib/jobs?create&sync")
//	v, err := endpoint.OpenLatest[Position](ctx, "latest://position?create")
//	h, err := endpoint.Lead(ctx, "lead://scheduler")
//
// # When to use it
//
// Use it where the operator of a program is to choose what it talks through: the URL comes
// from a flag or a configuration file, and the program is the same for all of them. What it
// returns are interfaces that another package can implement, for another machine too: see
// [Register].
//
// When not: a program that knows what it wants calls that package, whose functions say more
// and whose Config the compiler checks.
//
// # Schemes
//
//	scheme    names                                                Listen Dial OpenQueue OpenLatest Lead
//	pipe      pipe://NAME, pipe:///PATH     named pipe             yes    yes
//	shmnet    shmnet://NAME, shmnet:///PATH shared memory          yes    yes
//	unix      unix:///PATH, unix://@NAME    Unix socket            yes    yes
//	tcp       tcp://HOST:PORT                                      yes    yes
//	tls       tls://HOST:PORT               TCP with certificates  yes    yes
//	activated activated://[NAME]            systemd's listener     yes
//	fifo      fifo:///PATH                  FIFO, in one direction yes    yes
//	stdio     stdio://                      standard input, output yes    yes
//	mq        mq://NAME, mq:///PATH         queue, durable by path            yes
//	mq+posix  mq+posix://NAME               the kernel's                      yes
//	mq+sysv   mq+sysv:///PATH, mq+sysv://N  the kernel's                      yes
//	ring      ring://NAME                   ring of bytes                     yes
//	latest    latest://NAME                 latest value                                yes
//	lead      lead://NAME                   leadership                                             yes
//
// [Schemes] returns those that are known. Some differ from the rest:
//
//   - fifo: what Listen accepts is read until the last writer has closed; then Accept waits
//     for the next one. What Dial returns is written; Dial waits for a reader. The FIFO
//     exists before: pipe.MakeFIFO and `ipc create` make one.
//   - stdio: a process has it once. Listen accepts one connection; when that is closed Accept
//     ends with [net.ErrClosed], so that a server ends with its only client, as servers that
//     an editor or inetd starts do.
//   - activated: see socket.Activated. With cert, key and ca a TCP socket becomes TLS.
//   - ring: a queue without priorities, leases, Len and Drain. Its process is the sender, or
//     a receiver, from the first message on.
//
// # URLs
//
// A URL is scheme://name?options#fragment. The name is taken as it is: nothing in it is
// decoded, and a name with ? or # in it can't be given. The fragment names something at the
// endpoint, such as a remote object, and is ignored by this package. Options are joined by
// &, with values escaped as in any URL; one without a value is true. An option is
// given once; allow and trust may be repeated.
//
//	pipe      message, max-message, mode, allow, trust, max-conns
//	shmnet    buffer-size, plain, mode, allow, trust, max-conns
//	unix      packets, mode, allow, trust, max-conns, hand-over
//	tcp       max-conns, hand-over
//	tls       cert, key, ca, server-name, anonymous-clients, max-conns, hand-over
//	activated cert, key, ca, anonymous-clients, mode, allow, max-conns
//	fifo      trust
//	stdio
//	mq        create, capacity, capacity-bytes, max-message, full, lease-timeout,
//	          max-deliveries, dead-letter, sync, mode, allow, trust
//	mq+posix  create, capacity, max-message, mode, trust
//	mq+sysv   create, capacity-bytes, project, send-type, receive-type, mode, trust
//	ring      create, capacity-bytes, shape, slow, receivers, mode, allow, trust
//	latest    create, mode, allow, trust
//	lead      mode, allow, trust
//
// Sizes are bytes, or have a unit (64KiB); times are Go's durations (30s); modes are octal.
// What an option means is said at the field of the package's Config with its name. An
// unknown scheme or option fails with [os.ErrInvalid], and lists those that are known.
//
// # Caveats
//
//   - A URL may come from a person, but not from a peer: with it a stranger chooses which of
//     this user's objects the program opens.
//   - The files of cert, key and ca are read when the endpoint is opened. A certificate that
//     is renewed needs another Listen.
package endpoint
