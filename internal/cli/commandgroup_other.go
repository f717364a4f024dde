//go:build !linux && !windows

package cli

import (
	"os"
	"os/exec"
	"syscall"
)

const watchVerb = ""

func watchGroup() error { return nil }

// singleCommand can do little here: commands outlive a process that is killed.
type singleCommand struct{ cmds []*exec.Cmd }

func newCommandGroup() (commandGroup, error) { return &singleCommand{}, nil }

func (g *singleCommand) enrol(cmd *exec.Cmd) { g.cmds = append(g.cmds, cmd) }
func (g *singleCommand) started()            {}

// Signal leaves out what a terminal has sent to the commands too.
func (g *singleCommand) Signal(sig os.Signal) error {
	if sig == os.Interrupt || sig == syscall.SIGQUIT {
		return nil
	}
	for _, cmd := range g.cmds {
		cmd.Process.Signal(sig)
	}
	return nil
}

func (g *singleCommand) kill() {
	for _, cmd := range g.cmds {
		cmd.Process.Kill()
	}
}

func (g *singleCommand) release() {}
