//go:build unix

package main

import (
	"os"
	"syscall"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func interruptible() *syscall.SysProcAttr { return nil }

// interrupt does what Ctrl-C does.
func interrupt(t *testing.T, p *ipctest.Process) {
	t.Helper()
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
}
