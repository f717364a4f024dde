package ipctest

import (
	"os/exec"
	"syscall"
)

// dieWithParent keeps a helper from outliving a test binary that was killed.
func dieWithParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}
