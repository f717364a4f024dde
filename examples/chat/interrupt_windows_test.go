package main

import (
	"fmt"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/windows"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// interruptible gives a process a console of its own, without a window, so that it alone is
// interrupted.
func interruptible() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
}

// interrupt does what Ctrl-C does.
func interrupt(t *testing.T, p *ipctest.Process) {
	t.Helper()
	if err := ipctest.Start(t, interrupter, strconv.Itoa(p.Process.Pid)).Wait(); err != nil {
		t.Fatal(err)
	}
}

// interrupter sends Ctrl-C to the console of another process, which it has to join for
// that.
var interrupter = ipctest.Helper("interrupter", func(c *ipctest.Control) error {
	pid, err := strconv.Atoi(c.Args[0])
	if err != nil {
		return err
	}
	kernel32 := windows.NewLazySystemDLL("kernel32.dll")
	for _, step := range []struct {
		name string
		args []uintptr
	}{
		{"FreeConsole", nil},
		{"AttachConsole", []uintptr{uintptr(pid)}},
		{"SetConsoleCtrlHandler", []uintptr{0, 1}}, // this process ignores it
		{"GenerateConsoleCtrlEvent", []uintptr{windows.CTRL_C_EVENT, 0}},
	} {
		if ok, _, err := kernel32.NewProc(step.name).Call(step.args...); ok == 0 && step.name != "FreeConsole" {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
})
