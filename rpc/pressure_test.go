package rpc_test

import (
	"context"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// A client that asks and never reads the answers is dropped, and what waits for it is bounded.
func TestClientThatDoesNotReadIsDropped(t *testing.T) {
	conn := serveConn(t, newCalc(), &rpc.Config{WriteTimeout: 50 * time.Millisecond})
	conn.SetDeadline(time.Now().Add(time.Minute))
	ask := frame(`{"jsonrpc":"2.0","method":"Calc.Echo","id":1,"params":["` + strings.Repeat("AAAA", 25_000) + `"]}`)
	for sent := 0; ; sent++ {
		if _, err := io.WriteString(conn, ask); err != nil {
			return
		}
		if sent > 1000 {
			t.Fatal("100 MB were taken, and nothing was read")
		}
	}
}

// asker calls its caller back for each notification.
type asker struct{ asked *atomic.Int32 }

func (a asker) Note(ctx context.Context, text string) error {
	in, _ := rpc.IncomingFrom(ctx)
	_, err := rpc.Call[string](ctx, in.Caller("Oracle"), "Answer", text)
	if err == nil {
		a.asked.Add(1)
	}
	return err
}

func (a asker) Asked() int { return int(a.asked.Load()) }

// Notifications come quicker than they are executed, and each waits for an answer that comes
// the same way as they do.
func TestNotificationsThatCallBack(t *testing.T) {
	const n = 100
	c := inProcess(t, asker{new(atomic.Int32)}, &rpc.Config{MaxCalls: 8}, nil)
	if err := c.Register("Oracle", oracle{}); err != nil {
		t.Fatal(err)
	}
	o := c.Object("Calc")
	for i := range n {
		if err := o.Notify(background, "Note", sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	for {
		asked, err := rpc.Call[int](background, o, "Asked")
		if err != nil {
			t.Fatal(err)
		}
		if asked == n {
			break
		}
	}
}

// A cancelled call returns within 10 ms whatever the connection does.
func TestCancelIsPrompt(t *testing.T) {
	c, p := connect(t)
	o := c.Object("Calc")
	ctx, cancel := context.WithCancel(background)
	ended := make(chan time.Time, 1)
	go func() {
		rpc.Call[any](ctx, o, "Block")
		ended <- time.Now()
	}()
	p.Expect("entered")
	start := time.Now()
	cancel()
	ipctest.WantWithin(t, (<-ended).Sub(start), 100*time.Millisecond) // 10 ms, on a machine that others use
}
