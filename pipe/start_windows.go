package pipe

import (
	"os"
	"os/exec"
	"sync"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

func pipeFromChild(s *settings) (r *os.File, w childEnd, err error) {
	hr, hw, err := makePipe(s.BufferSize, true, true)
	if err != nil {
		return nil, 0, err
	}
	return os.NewFile(uintptr(hr), "|0"), childEnd(hw), nil
}

func pipeToChild(s *settings) (r childEnd, w *os.File, err error) {
	hr, hw, err := makePipe(s.BufferSize, true, true)
	if err != nil {
		return 0, nil, err
	}
	return childEnd(hr), os.NewFile(uintptr(hw), "|1"), nil
}

// job returns the job object of the children that die with this process: the
// kernel closes the only handle to it then. One is enough for all of them.
var job = sync.OnceValues(func() (windows.Handle, error) {
	return sys.CreateJob(windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)
})

// startBound starts cmd so that it ends when this process does: suspended, so
// that it is in the job before it can start anything.
func startBound(cmd *exec.Cmd) error {
	j, err := job()
	if err != nil {
		return err
	}
	attr := sysProcAttr(cmd)
	resume := attr.CreationFlags&windows.CREATE_SUSPENDED == 0
	attr.CreationFlags |= windows.CREATE_SUSPENDED
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := bind(j, cmd.Process.Pid, resume); err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return err
	}
	return nil
}

// bind puts the process into the job. cmd holds a handle to it, so the id is
// not another's.
func bind(j windows.Handle, pid int, resume bool) error {
	const access = windows.PROCESS_SET_QUOTA | windows.PROCESS_TERMINATE | windows.PROCESS_SUSPEND_RESUME
	h, err := windows.OpenProcess(access, false, uint32(pid))
	if err != nil {
		return os.NewSyscallError("OpenProcess", err)
	}
	defer windows.CloseHandle(h)
	if err := sys.AssignToJob(j, h); err != nil || !resume {
		return err
	}
	return sys.ResumeProcess(h)
}

// passLifeline has nothing to pass: the job object ends the child.
func passLifeline(*passing) ([]string, error) { return nil, nil }

// watchParent has nothing to do.
func watchParent(string) error { return nil }
