//go:build unix

package main

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/mq"
)

// Python's processes end with Python, whenever that is interrupted: ipctest.Main looks for
// them.
func TestPythonInterrupted(t *testing.T) {
	needPython(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, _, err := runPython(ctx, work{Count: 1e12, Batch: 1e12}); err == nil {
		t.Error("Python was quick")
	}
}

// Ctrl-C leaves nothing behind.
func TestInterrupted(t *testing.T) {
	p := ipctest.StartCommand(t, program(t, "--count", endless))
	name := "sums-" + strconv.Itoa(p.Process.Pid)
	q, err := ipcsync.Await(t.Context(), func() (*mq.LocalQueue, error) { return mq.Open(name, nil) })
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if p.Wait(); p.ProcessState.ExitCode() != exitError {
		t.Errorf("exit code %d, want %d", p.ProcessState.ExitCode(), exitError)
	}
	if left, err := mq.Open(name, nil); err == nil {
		left.Close()
		t.Errorf("the queue %s is left behind", name)
	}
}
