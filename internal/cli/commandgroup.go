package cli

import (
	"os"
	"os/exec"
)

// commandGroup is what the commands of one run are in, with the processes that they
// start. If this process is killed, the group is.
//
// A process that leaves the group, as a daemon does, lives on. The group dies a moment
// after this process, so that what this process held may be free while a command still
// runs.
type commandGroup interface {
	// enrol makes a command a member when it starts.
	enrol(cmd *exec.Cmd)
	// started is called when all commands run.
	started()
	// Signal passes on a signal that this process got, unless the group got it too.
	Signal(os.Signal) error
	// kill kills all members.
	kill()
	// release lets the members live that are left, and ends the group.
	release()
}
