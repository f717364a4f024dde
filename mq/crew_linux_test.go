package mq

import (
	"strconv"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// crew is the senders and receivers of one queue, each a process of its own. The
// processes of all crews are told alike how many messages they are to move, so that
// this costs the same whatever the queue: a pair of lines a process and window.
//
// testdata/bench_peer.h says what they say, and what a message looks like.
type crew struct{ senders, receivers []*ipctest.Process }

// newCrew starts them. start returns a process that serves in a role: "receive", or
// the number of a sender.
func newCrew(senders, receivers int, start func(role string) *ipctest.Process) crew {
	var c crew
	for range receivers {
		c.receivers = append(c.receivers, start("receive"))
	}
	for i := range senders {
		c.senders = append(c.senders, start(strconv.Itoa(i)))
	}
	for _, p := range append(c.receivers, c.senders...) {
		p.Expect("ready")
	}
	return c
}

// fill sends n messages, which stay in the queue.
func (c crew) fill(n int) {
	tell(c.senders, n)
	await(c.senders)
}

// move sends n messages and receives as many.
func (c crew) move(n int) {
	tell(c.receivers, n)
	tell(c.senders, n)
	await(c.senders)
	await(c.receivers)
}

// contender is the crew in a comparison. An operation moves so many messages. Of the
// crew's processor time that of the first receiver is counted.
func (c crew) contender(name string, messages int) bench.Contender {
	return bench.Contender{
		Name: name, Bytes: messages * messageSize, Stream: true,
		PeerPID: c.receivers[0].Cmd.Process.Pid,
		Run: func(n int) error {
			c.move(n * messages)
			return nil
		},
	}
}

// tell divides n messages among the processes.
func tell(processes []*ipctest.Process, n int) {
	for i, p := range processes {
		p.Say(strconv.Itoa((n + i) / len(processes)))
	}
}

func await(processes []*ipctest.Process) {
	for _, p := range processes {
		p.Expect("done")
	}
}

// crewOf starts a crew of the program, which is one that testdata/posix_bench.c
// describes. The queue's name is gone before the first message is sent, so that a
// crew that is killed leaves no queue.
func crewOf(t testing.TB, program ipctest.Program, name string, senders, receivers int) crew {
	t.Helper()
	start := func(role string) *ipctest.Process { return ipctest.StartCommand(t, program(name, role)) }
	holder := start("hold")
	holder.Expect("ready")
	c := newCrew(senders, receivers, start)
	holder.CloseInput()
	if err := holder.Wait(); err != nil {
		t.Fatalf("%v: %s", err, holder.Stderr())
	}
	return c
}

// posixCrew moves messages through a POSIX queue with the default limits, 10 messages.
func posixCrew(t testing.TB, senders, receivers int) crew {
	t.Helper()
	return crewOf(t, ipctest.C(t, "testdata/posix_bench.c"), "/"+ipctest.UniqueName(), senders, receivers)
}

// boostCrew moves messages through Boost.Interprocess's message_queue for 1000.
func boostCrew(t testing.TB, senders, receivers int) crew {
	t.Helper()
	program := ipctest.CPlusPlus(t, "testdata/boost_bench.cpp", "boost/interprocess/ipc/message_queue.hpp")
	return crewOf(t, program, ipctest.UniqueName(), senders, receivers)
}

// messageSize is how long the messages of all benchmarks are.
const messageSize = 64
