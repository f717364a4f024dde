//go:build linux || windows

package shmnet

import (
	"context"
	"io"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// idler connects Args[1] times to Args[0], answers one byte on each connection, and has
// a goroutine wait on each.
var idler = ipctest.Helper("idler", func(c *ipctest.Control) error {
	n, err := strconv.Atoi(c.Args[1])
	if err != nil {
		return err
	}
	for range n {
		conn, err := Dial(context.Background(), c.Args[0], nil)
		if err != nil {
			return err
		}
		go io.Copy(conn, conn)
	}
	c.Say("connected")
	c.Hear()
	return nil
})

// TestIdleConnections has many connections that nothing happens on: few threads, no
// processor time, little memory.
func TestIdleConnections(t *testing.T) {
	n := ipctest.Count(10_000)
	raiseDescriptors(t, n+200)
	name := ipctest.UniqueName()
	l := mustListen(t, name, nil)
	p := ipctest.Start(t, idler, name, strconv.Itoa(n))
	before := resident(t)
	conns := make([]*Conn, n)
	one := make([]byte, 1)
	for i := range conns {
		conns[i] = mustAccept(t, l)
	}
	p.Expect("connected")
	for _, c := range conns {
		if _, err := c.Write(one); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, one); err != nil {
			t.Fatal(err)
		}
	}
	reading := make(chan error, n)
	for _, c := range conns {
		go func() { _, err := c.Read(make([]byte, 1)); reading <- err }()
	}
	if err := ipctest.AwaitAsleep("shmnet.(*bells).sleep", n); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	t.Logf("%d connections: %d threads here, %d at the other end; %d bytes resident each",
		n, threads(t, os.Getpid()), threads(t, p.Process.Pid), (resident(t)-before)/n)
	if got := threads(t, os.Getpid()); got > 32 {
		t.Errorf("%d threads, want at most 32", got)
	}
	if got := threads(t, p.Process.Pid); got > 32 {
		t.Errorf("%d threads at the other end, want at most 32", got)
	}
	time.Sleep(200 * time.Millisecond) // what watches connections that were written to ends
	const period = time.Second
	peerStart := cpuTime(t, p.Process.Pid)
	start := cpuTime(t, 0)
	time.Sleep(period) // the time that is measured
	// 10 ms in 10 s.
	if used := cpuTime(t, 0) - start; used > period/1000*3 && !ipctest.Slow() {
		t.Errorf("%v of processor time in %v", used, period)
	}
	if used := cpuTime(t, p.Process.Pid) - peerStart; used > 10*time.Millisecond {
		t.Errorf("%v of processor time in %v at the other end", used, period) // in ticks of 10 ms
	}
	for _, c := range conns {
		c.Close()
	}
	for range conns {
		<-reading
	}
}

func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	used, err := sys.CPUTime(pid)
	if err != nil {
		t.Fatal(err)
	}
	return used
}
