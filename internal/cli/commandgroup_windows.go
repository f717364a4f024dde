package cli

import (
	"os"
	"os/exec"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

const watchVerb = ""

func watchGroup() error { return nil }

// job is a job of this process, which includes all processes that it starts. The kernel
// kills those in the job when its last handle is closed: when this process ends.
type job struct {
	handle windows.Handle
	cmds   []*exec.Cmd
}

func newCommandGroup() (commandGroup, error) {
	handle, err := sys.CreateJob(0)
	if err != nil {
		return nil, err
	}
	if err = sys.AssignToJob(handle, windows.CurrentProcess()); err == nil {
		// The limit comes last: closing a job that kills would kill this process.
		err = sys.LimitJob(handle, windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)
	}
	if err != nil {
		windows.CloseHandle(handle)
		return nil, err
	}
	return &job{handle: handle}, nil
}

func (j *job) enrol(cmd *exec.Cmd) { j.cmds = append(j.cmds, cmd) }
func (j *job) started()            {}

// Signal does nothing: the console sends Ctrl-C to the commands too, and there are no
// other signals.
func (j *job) Signal(os.Signal) error { return nil }

// kill leaves what the commands have started, since this process is in the job too. It
// goes with this process.
func (j *job) kill() {
	for _, cmd := range j.cmds {
		cmd.Process.Kill()
	}
}

func (j *job) release() {
	if sys.LimitJob(j.handle, 0) == nil { // else the handle is closed at our end
		windows.CloseHandle(j.handle)
	}
}
