package pipe

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// startSignalled starts cmd so that the kernel kills it when this process ends.
func startSignalled(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	if cmd.SysProcAttr.Pdeathsig == 0 {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	started := make(chan error)
	spawn() <- func() { started <- cmd.Start() }
	return <-started
}

var spawn = sync.OnceValue(func() chan<- func() {
	starts := make(chan func())
	go spawner(starts)
	return starts
})

// spawner starts children from a thread that lives as long as the process: the
// kernel sends the death signal when the thread that made the child ends, and
// the runtime ends threads.
func spawner(starts <-chan func()) {
	runtime.LockOSThread()
	for start := range starts {
		start()
	}
}
