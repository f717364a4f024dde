package rpc_test

import (
	"net"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

func awaitDone(t *testing.T, c *rpc.Client, want error) {
	t.Helper()
	select {
	case <-c.Done():
	case <-time.After(ipctest.Patience):
		t.Fatal("the client is not done")
	}
	ipctest.WantError(t, c.Err(), want)
}

// A client learns without a call that its server was killed, has another connection after the
// next call, and is done for good by Close.
func TestDone(t *testing.T) {
	name := ipctest.UniqueName()
	p := ipctest.Start(t, serving, name)
	p.Expect("ready")
	c := dialled(t, dialPipe(name), nil)
	for range 3 {
		for i := range 3 {
			n, err := rpc.Call[int](background, c.Object("Calc"), "Add", i, 2)
			expect(t, n, err, i+2)
		}
		select {
		case <-c.Done():
			t.Fatal("the client is done, and the server lives")
		default:
		}
		if err := c.Err(); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		p.Kill()
		awaitDone(t, c, rpc.ErrLost)
		ipctest.WantSince(t, start, time.Second)
		p = ipctest.Start(t, serving, name)
		p.Expect("ready")
	}
	n, err := rpc.Call[int](background, c.Object("Calc"), "Add", 1, 2)
	expect(t, n, err, 3)
	c.Close()
	awaitDone(t, c, net.ErrClosed)
}
