package cli

import (
	"os/exec"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// killWithUs puts this process into a job, which includes all processes that it starts. The
// kernel kills those in the job when its last handle is closed: when this process ends.
// free lets the processes live that are left when the command has ended.
func killWithUs(*exec.Cmd) (free func(), err error) {
	job, err := sys.CreateJob(0)
	if err != nil {
		return nil, err
	}
	if err = sys.AssignToJob(job, windows.CurrentProcess()); err == nil {
		// The limit comes last: closing a job that kills would kill this process.
		err = sys.LimitJob(job, windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)
	}
	if err != nil {
		windows.CloseHandle(job)
		return nil, err
	}
	return func() {
		if sys.LimitJob(job, 0) == nil { // else the handle is closed at our end
			windows.CloseHandle(job)
		}
	}, nil
}
