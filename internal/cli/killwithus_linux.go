package cli

import (
	"os/exec"
	"syscall"
)

// killWithUs makes the kernel kill the command when this process ends. The kernel watches
// the thread that starts the command, so that thread must live as long as the process.
func killWithUs(cmd *exec.Cmd) (free func(), err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return func() {}, nil
}
