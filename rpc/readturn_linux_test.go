package rpc_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// Calls of all lengths, cancelled at any moment, beside streams, notifications and callbacks:
// each gets its own answer.
func TestStormOfCallsThatRead(t *testing.T) {
	_, shared, plain := startBothWays(t)
	for name, c := range map[string]*rpc.Client{"shmnet": shared, "Unix socket": plain} {
		t.Run(name, func(t *testing.T) { stormOfCalls(t, c) })
	}
}

func stormOfCalls(t *testing.T, c *rpc.Client) {
	if err := c.Register("Oracle", oracle{}); err != nil {
		t.Fatal(err)
	}
	o := c.Object("Calc")
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for i := range ipctest.Count(2000) {
				if err := anyCall(r, o, i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// anyCall makes a call, and returns what was wrong with its answer.
func anyCall(r *rand.Rand, o *rpc.Object, i int) error {
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	if r.IntN(3) == 0 {
		timer := time.AfterFunc(time.Duration(r.IntN(200))*time.Microsecond, cancel)
		defer timer.Stop()
	}
	var err error
	same := true
	switch r.IntN(20) {
	case 0:
		sum := 0
		for n, failed := range rpc.Stream[int](ctx, o, "Count", 200) {
			sum, err = sum+n, failed
		}
		same = sum == 199*100
	case 1:
		var answer string
		answer, err = rpc.Call[string](ctx, o, "Ask", "a")
		same = answer != ""
	case 2:
		err = o.Notify(ctx, "Note", "")
	case 3:
		sent := make([]byte, r.IntN(100_000))
		sent = append(sent, byte(i))
		var came []byte
		came, err = rpc.Call[[]byte](ctx, o, "Echo", sent)
		same = string(came) == string(sent)
	default:
		var n int
		n, err = rpc.Call[int](ctx, o, "Add", i, 1)
		same = n == i+1
	}
	switch {
	case err == nil && !same:
		return errors.New("the answer is another one's")
	case err != nil && ctx.Err() == nil:
		return err
	}
	return nil
}
