// Package rpc calls methods of objects in other processes, over any [net.Conn].
//
// Experimental: it may still change.
//
// A server registers objects by name; a client calls their methods with [Call], gets the
// items of a stream with [Stream], or fills a struct of funcs with [Bind]. The protocol is
// JSON-RPC 2.0 with Content-Length headers, as language servers speak it, so that the other
// side can be a program in any language: docs/interop.md shows some.
//
// # When to use it
//
//   - A program that became two, where one asks the other to do things.
//   - A Go process beside one in C#, Python or JavaScript.
//   - A process that is to be operated: `ipc call` lists and calls what it serves.
//
// When not: for bulk data use a stream or shared memory and send its name in a call; JSON
// makes bytes a third longer. For work that must outlive the caller and the server use a
// message queue: a call dies with either. Across organisations use what has a schema and
// a versioning story, such as gRPC, which runs over this module's connections too.
//
// # Connections
//
// The package knows no mechanism: [Dial] takes a function that connects, [Server.Serve] a
// listener; endpoint.DialObject gets an object by URL. Named pipes, Unix sockets, shmnet, TCP and TLS differ in which users can connect. What a
// server executes is decided before any method runs: see [Config.Token] and [Config.Insecure].
//
// Both ends of a connection are the same: a client that has registered objects of its own is
// called back by [Incoming.Caller].
//
// # Caveats
//
//   - Calls are executed concurrently, and in no order. A method that has been quick is
//     executed on the goroutine that reads the connection; when it then takes its time,
//     other calls of the connection wait for 2 ms at most, once. Notifications of a connection are
//     executed in order, one after the other, but calls don't wait for them.
//   - A client's call that waits alone reads the connection itself, as waking another goroutine
//     takes longer than all the rest. So what the server sends between two calls, such as
//     callbacks and the end of the connection, is noticed up to 2 ms later. That is so for
//     connections of package net and of this module, without TLS; others are always read.
//   - A call whose connection is lost may have been executed. Only calls of
//     [Object.Idempotent] are repeated.
//   - A notification's method that calls its caller back holds up the notifications behind it,
//     and when 16 times MaxCalls of them wait, the connection. Better let it answer a call.
//   - A cancelled call ends at once for the caller. Whether the method stops depends on its
//     context being looked at.
//   - JSON knows no integers beyond 2^53 in some languages, no NaN, and no difference between
//     a nil and an empty map. A struct's fields that the other side doesn't know are ignored.
//   - All exported methods of a registered value can be called by every client.
//   - A peer may keep MaxCalls calls under way, each with MaxMessage bytes: that much memory
//     can one connection take. Lower both for peers that are not trusted.
//   - A client that closes its sending half has gone: its calls are cancelled.
//   - Windows tells nothing of the peer of a Unix socket of package net. Without a path such
//     a socket needs a token, on every system unless the peer is the server's own user.
//   - The token is sent as it is. A server of another user at the same TCP port would learn
//     it: use TLS, or a named pipe, which checks the server's user.
//
// # Errors
//
// Errors are [*breezeway.Error]. What the other side answered is an [*Error] inside, with a
// code; [errors.Is] compares some codes with the standard errors. A connection that ended is
// [ErrLost], with the [*Error] that the other side gave as the reason, if it gave one; a
// client that was closed [net.ErrClosed].
package rpc
