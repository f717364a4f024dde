package cli

import (
	"os/exec"
	"syscall"
)

// bind makes the kernel kill the command when the thread ends that starts it, and
// so, as that lives as long as this process, when this process does.
func bind(cmd *exec.Cmd) (free func(), err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return func() {}, nil
}
