package peerbench

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/shmnet"
)

// connPeer serves package bench's traffic. Args are those of traffic, with a name.
var connPeer = ipctest.Helper("shmnet peer", func(c *ipctest.Control) error {
	what, err := parseTraffic(c.Args)
	if err != nil {
		return err
	}
	l, err := shmnet.Listen(c.Args[3], &shmnet.Config{Park: !what.spins})
	if err != nil {
		return err
	}
	c.AtEnd(func() { l.Close() })
	defer l.Close() // at the end of the traffic, if that is first
	c.Say("ready")
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	return bench.Serve(conn)
})

// ourConn is a connection of package shmnet. Each end spins as it does by default, or never.
func ourConn(t testing.TB, what traffic) bench.Contender {
	t.Helper()
	name := ipctest.UniqueName()
	p := ipctest.Start(t, connPeer, what.args(name)...)
	p.Expect("ready")
	conn, err := shmnet.Dial(t.Context(), name, &shmnet.Config{Park: !what.spins})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	start := bench.RoundTrip
	if what.oneWay {
		start = bench.OneWay
	}
	run, err := start(conn, what.size)
	if err != nil {
		t.Fatal(err)
	}
	return bench.Contender{Name: "shmnet", Stream: true, Bytes: what.size, PeerPID: p.Process.Pid, Run: run}
}

func TestShmnet(t *testing.T) { works(t, ourConn, every...) }
