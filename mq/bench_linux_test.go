package mq

import (
	"fmt"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// Messages of many processes arrive as they were sent, each sender's in their order.
func TestManySendersAndReceivers(t *testing.T) {
	for _, n := range []int{1, 4} {
		localCrew(t, nil, n, n).move(ipctest.Count(100_000))
	}
}

// BenchmarkPeers holds the queues that C and C++ programs have against each other.
func BenchmarkPeers(b *testing.B) {
	for _, n := range []int{1, 4} {
		b.Run(crewSize(n), func(b *testing.B) { ipctest.Compare(b, boost(b, n), posix(b, n)) })
	}
}

// BenchmarkPOSIX holds a queue against a POSIX queue between C programs, which has room
// for 10 messages.
func BenchmarkPOSIX(b *testing.B) {
	for _, n := range []int{1, 4} {
		b.Run(crewSize(n), func(b *testing.B) { ipctest.Compare(b, local(b, n), posix(b, n)) })
	}
}

// BenchmarkBoost holds a queue against Boost's between C++ programs.
func BenchmarkBoost(b *testing.B) {
	for _, n := range []int{1, 4} {
		b.Run(crewSize(n), func(b *testing.B) { ipctest.Compare(b, local(b, n), boost(b, n)) })
	}
}

func crewSize(n int) string { return fmt.Sprintf("%dx%d", n, n) }

func local(b *testing.B, n int) bench.Contender {
	b.Helper()
	return localCrew(b, nil, n, n).contender("mq", 1)
}

func posix(b *testing.B, n int) bench.Contender {
	b.Helper()
	return posixCrew(b, n, n).contender("POSIX queue", 1)
}

func boost(b *testing.B, n int) bench.Contender {
	b.Helper()
	return boostCrew(b, n, n).contender("Boost message_queue", 1)
}

// BenchmarkDepth holds a queue in which a million messages wait against one with ten.
// Both have room for as many more, so that the processes wait alike for each other.
func BenchmarkDepth(b *testing.B) {
	deep := func(depth int) bench.Contender {
		c := localCrew(b, &Config{Capacity: depth + 1000, MaxMessage: messageSize}, 1, 1)
		c.fill(depth)
		return c.contender(fmt.Sprint(depth, " wait"), 1)
	}
	ipctest.Compare(b, deep(1_000_000), deep(10))
}

// BenchmarkDurable holds a durable queue without Sync against one in memory.
func BenchmarkDurable(b *testing.B) {
	ipctest.Compare(b, durableCrew(b, nil, 1, 1).contender("durable", 1), local(b, 1))
}

// BenchmarkGroupCommit holds 16 that send to a synced queue against one: goroutines of one
// process, and processes. An operation is 256 messages, so that in all but its end all of
// them send.
func BenchmarkGroupCommit(b *testing.B) {
	const each = 256
	senders := func(b *testing.B, processes, goroutines int) bench.Contender {
		name := fmt.Sprint(processes*goroutines, " senders")
		return durableCrew(b, &Config{Sync: true}, processes, goroutines).contender(name, each)
	}
	b.Run("goroutines", func(b *testing.B) { ipctest.Compare(b, senders(b, 1, 16), senders(b, 1, 1)) })
	b.Run("processes", func(b *testing.B) { ipctest.Compare(b, senders(b, 16, 1), senders(b, 1, 1)) })
}
