// Package peerbench holds packages of this library against others, between the same kind of
// processes and in windows that alternate:
//
//   - ring and shmnet against iceoryx2, Aeron, shmipc-go, ZeroMQ and Boost's message_queue,
//     and against what C makes of a Unix socket, a futex, a memcpy and a bounced cache line;
//   - gRPC over shmnet against gRPC over Unix sockets;
//   - package worker against hashicorp/go-plugin;
//   - durable queues of package mq against the databases that Go programs use as queues,
//     bbolt and SQLite.
//
// It is a module of its own, so that go.mod of the library doesn't know them. To measure,
// on an idle machine and where TMPDIR is on a disk:
//
//	cd internal/peerbench && go test -run '^$' -bench .
//
// With -short it looks at 64 bytes alone. The name of a comparison says what is measured:
//
//	trip/park/64     round trips of 64 bytes, receivers sleep until a message comes
//	way/spin/65536   messages of 64 KiB in one direction, receivers look again and again
//
// A cache line that is bounced by two C programs is measured before and after each pair of
// windows. A pair counts only if the bounce was the same.
//
// A peer that is not installed is skipped, and the reason says how to install it. Debian has
// libzmq3-dev and libboost-dev. Aeron takes a JDK (openjdk-17-jdk-headless) and, from Maven
// Central, io.aeron:aeron-all; iceoryx2 takes cargo, and crates that cargo fetch brings.
package peerbench
