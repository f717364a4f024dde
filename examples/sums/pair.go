package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// processes is how many count.
const processes = 2

// pair is the processes that count.
type pair struct {
	ctx     context.Context // ends when one of them fails; the cause says how
	fail    context.CancelCauseFunc
	cmds    []*exec.Cmd
	running sync.WaitGroup
}

// startPair starts them. The caller waits for them, also if it returns an error.
func startPair(ctx context.Context, method, name string, w work) (*pair, error) {
	p := new(pair)
	p.ctx, p.fail = context.WithCancelCause(ctx)
	exe, err := os.Executable()
	if err != nil {
		return p, err
	}
	for range processes {
		cmd := exec.CommandContext(p.ctx, exe, adderVerb, method, name,
			strconv.FormatUint(w.Count, 10), strconv.FormatUint(w.Batch, 10))
		cmd.Stderr = os.Stderr
		line, err := pipe.Start(cmd, nil)
		if err != nil {
			return p, err
		}
		p.cmds = append(p.cmds, cmd)
		p.running.Go(func() {
			defer line.Close()
			if err := cmd.Wait(); err != nil {
				p.fail(fmt.Errorf("the counting process %d failed: %w", cmd.Process.Pid, err))
			}
		})
	}
	return p, nil
}

// wait waits until both have ended, and returns why one has failed.
func (p *pair) wait() error {
	p.running.Wait()
	err := context.Cause(p.ctx)
	p.fail(nil)
	return err
}

// stop ends both.
func (p *pair) stop() {
	p.fail(nil)
	p.running.Wait()
}
