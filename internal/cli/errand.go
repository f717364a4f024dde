package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
)

// errand is a command that runs while this process holds something.
type errand struct {
	words []string
	// hold takes what is to be held.
	hold func(context.Context) (*holding, error)
}

// holding is something that this process has.
type holding struct {
	release   func() error
	recovered bool // the one who had it before died
}

// recoveredVariable tells the command whether the holder before died.
const recoveredVariable = "IPC_RECOVERED"

// errandHelp is what the help of all verbs says that run one.
const errandHelp = `COMMAND has our standard streams, and its exit code is ours: 128 + N if signal N ended
it. Otherwise the exit code is
  2    wrong usage                         126  COMMAND can't be run
  124  --timeout or --try ended the wait   127  there is no such program
  125  ipc itself failed

Ctrl-C reaches COMMAND as it does without ipc, which waits for it; SIGTERM and SIGHUP
are passed on to it. Should ipc be killed (kill -9), COMMAND is killed too: on Linux
itself alone, on Windows with all that it started, on macOS not at all. What runs on
then holds nothing.`

// urlAndCommand takes the arguments URL [-- COMMAND...] apart.
func urlAndCommand(cmd *cobra.Command, args []string) (url string, words []string, err error) {
	switch at := cmd.ArgsLenAtDash(); {
	case len(args) == 0 || at == 0:
		return "", nil, usagef("%s takes a URL first", cmd.Name())
	case at > 1 || at < 0 && len(args) > 1:
		return "", nil, usagef("%s takes one URL; put -- before the command: ipc %[1]s %s -- %s", cmd.Name(), args[0], strings.Join(args[1:], " "))
	case at == 1 && len(args) == 1:
		return "", nil, usagef("there is no command after --")
	}
	return args[0], args[1:], nil
}

// run returns how the command ended, as an exit code.
func (e *errand) run(ctx context.Context) error {
	err := e.perform(ctx)
	var coded *exit
	if err != nil && !errors.As(err, &coded) {
		return &exit{exitOurs, err}
	}
	return err
}

func (e *errand) perform(ctx context.Context) error {
	cmd := exec.Command(e.words[0], e.words[1:]...)
	if cmd.Err != nil { // before anybody waits for it
		return startFailure(cmd.Err)
	}
	ctx, signals := hearSignals(ctx)
	defer signals.stop()
	held, err := e.hold(ctx)
	if err != nil {
		return err
	}
	if err = context.Cause(ctx); err == nil {
		err = e.start(cmd, held.recovered, signals)
	}
	if failure := held.release(); err == nil {
		err = failure
	} else if failure != nil {
		warn("%v", failure)
	}
	return err
}

// start runs the command to its end.
func (e *errand) start(cmd *exec.Cmd, recovered bool, signals *signals) error {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	value := "0"
	if recovered {
		value = "1"
	}
	cmd.Env = append(os.Environ(), recoveredVariable+"="+value)
	runtime.LockOSThread() // for good; see bind
	free, err := bind(cmd)
	if err != nil {
		return err
	}
	defer free()
	if err := cmd.Start(); err != nil {
		return startFailure(err)
	}
	signals.passTo(cmd.Process)
	err = cmd.Wait()
	if cmd.ProcessState == nil {
		return err
	}
	if code := codeOf(cmd.ProcessState); code != 0 {
		return &exit{code: code}
	}
	return err
}
