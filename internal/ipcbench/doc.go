// Package ipcbench is what `ipc bench` measures: messages between this process and a
// peer, a process that it starts for each row, over every transport of [Transports].
// Each transport is a file, which makes a [link] at either end; traffic.go, the same for
// all, sends messages over links, and package bench times that against what the machine
// can do at best: a cache line that the two processes bounce by bare spinning (line.go).
//
// # Adding a transport
//
// Write a file with a variable of type transport, like mq.go, and add it to the table in
// transport.go. What it needs:
//
//   - serve, called in the peer: makes what has a name, calls end.ready, and returns a
//     link when the other process has come;
//   - dial, called in this process after that: returns the other end's link;
//   - the link: Room and Send, Receive and Release, each in place if the transport can;
//   - if waiting can be either spinning or parked, heed end.mode; otherwise say in
//     parks or spins why the other mode is missing;
//   - style, the number of its line in charts: 7 and 8 are free;
//   - remove, if what has a name isn't a file in end.dir.
package ipcbench
