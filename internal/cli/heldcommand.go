package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"
)

// heldCommand is a command that runs while this process holds something.
type heldCommand struct {
	words []string
	// hold takes what is to be held.
	hold func(context.Context) (*holding, error)
}

// holding is something that this process holds.
type holding struct {
	// release gives it up. succeeded says that the command ran and exited with 0.
	release   func(succeeded bool) error
	recovered bool // a holder before died, and what it left may be half done
}

// recoveredVariable tells the command whether a holder before died.
const recoveredVariable = "IPC_RECOVERED"

// heldCommandHelp is what the help of all verbs says that run one.
const heldCommandHelp = `COMMAND has our standard streams, and its exit code is ours: 128 + N if signal N ended
it. Otherwise the exit code is
  2    wrong usage                         126  COMMAND can't be run
  124  --timeout or --try ended the wait   127  there is no such program
  125  ipc itself failed

COMMAND has a process group of its own, on a terminal in the foreground. Signals that ipc
gets are passed on to the group, SIGINT included, and ipc waits for COMMAND. Should ipc be
killed (kill -9), so is the group, a moment after what ipc held is free; a process that
has left the group, as a daemon does, runs on. On macOS COMMAND runs on too.`

// urlAndCommand takes the arguments URL [-- COMMAND...] apart.
func urlAndCommand(cmd *cobra.Command, args []string) (url string, words []string, err error) {
	switch at := cmd.ArgsLenAtDash(); {
	case len(args) == 0 || at == 0:
		return "", nil, usagef("it takes a URL first")
	case at > 1 || at < 0 && len(args) > 1:
		return "", nil, usagef("it takes one URL; put -- before the command: ipc %s %s -- %s", cmd.Name(), args[0], strings.Join(args[1:], " "))
	case at == 1 && len(args) == 1:
		return "", nil, usagef("there is no command after --")
	}
	return args[0], args[1:], nil
}

// run returns how the command ended, as an exit code.
func (c *heldCommand) run(ctx context.Context) error {
	err := c.perform(ctx)
	var coded *exit
	if err != nil && !errors.As(err, &coded) {
		return &exit{exitOurs, err}
	}
	return err
}

func (c *heldCommand) perform(ctx context.Context) error {
	cmd := exec.Command(c.words[0], c.words[1:]...)
	if cmd.Err != nil { // found out before anything is waited for
		return startFailure(cmd.Err)
	}
	ctx, signals := hearSignals(ctx)
	defer signals.stop()
	held, err := c.hold(ctx)
	if err != nil {
		return err
	}
	if err = context.Cause(ctx); err == nil {
		err = c.start(cmd, held.recovered, signals)
	}
	if failure := held.release(err == nil); err == nil {
		err = failure
	} else if failure != nil {
		warn("%v", failure)
	}
	return err
}

// start runs the command to its end.
func (c *heldCommand) start(cmd *exec.Cmd, recovered bool, signals *signals) error {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	value := "0"
	if recovered {
		value = "1"
	}
	cmd.Env = append(os.Environ(), recoveredVariable+"="+value)
	group, err := newCommandGroup()
	if err != nil {
		return err
	}
	defer group.release()
	group.enrol(cmd)
	if err := cmd.Start(); err != nil {
		return startFailure(err)
	}
	group.started()
	signals.passTo(group)
	err = cmd.Wait()
	if cmd.ProcessState == nil {
		return err
	}
	if code := codeOf(cmd.ProcessState); code != 0 {
		return &exit{code: code}
	}
	return err
}
