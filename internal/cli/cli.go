package cli

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes that every verb has.
const (
	exitError   = 1
	exitUsage   = 2
	exitTimeout = 3
)

// exit is an error that says which code the command exits with. Without err,
// all there is to say has been said.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &exit{exitUsage, fmt.Errorf(format, args...)}
}

// Main runs the command and returns its exit code.
func Main() int {
	cmd, err := newRoot().ExecuteC()
	if err == nil {
		return 0
	}
	var e *exit
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &e):
	case errors.As(err, &timeout) && timeout.Timeout():
		e = &exit{exitTimeout, err}
	default:
		e = &exit{exitError, err}
	}
	if e.err != nil {
		fmt.Fprintf(os.Stderr, "ipc: %v\n", e.err)
	}
	if e.code == exitUsage {
		fmt.Fprintf(os.Stderr, "See `%s --help`.\n", cmd.CommandPath())
	}
	return e.code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "ipc",
		Short: "Talk to other processes of this machine",
		Long: `ipc connects processes through the passages that the operating system has.
Named ones are given as a URL:

` + schemeHelp() + `
Every verb exits with 0, or 1 for an error, 2 for wrong usage, 3 for a time-out;
verbs that run a command say what they do with its code.`,
		Example: `  ipc serve pipe://chat            # in one terminal
  ipc send pipe://chat hello       # in another
  ipc read shm://frame --hex       # shared memory, whoever made it
  ipc lock mutex://deploy -- make  # one at a time
  ipc demo                         # see every mechanism at work`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs, // so that an unknown verb comes to us

		DisableFlagsInUseLine:      true,
		SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			if s := cmd.SuggestionsFor(args[0]); len(s) > 0 {
				return usagef("no verb %q; did you mean %s?", args[0], strings.Join(s, " or "))
			}
			return usagef("no verb %q", args[0])
		},
	}
	root.SetUsageTemplate(strings.NewReplacer("[command]", "VERB", "Available Commands", "Verbs", "about a command", "about a verb").
		Replace(root.UsageTemplate()))
	root.SetVersionTemplate("ipc {{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exit{exitUsage, err} })
	root.AddCommand(newServe(), newSend(), newPipeline(), newCreate(), newWrite(), newRead(), newRemove(),
		newLock(), newAcquire(), newRelease(), newWait(), newSet(), newReset(), newStat(), newDemo(), newPlayer())
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Example = "  ipc help serve"
		case "completion":
			c.Example = "  source <(ipc completion bash)"
			for _, shell := range c.Commands() {
				shell.Example = "  ipc completion " + shell.Name()
			}
		}
	}
	return root
}

// version is what the go command knows of the build.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// takes checks the number of a verb's arguments; what says what they are.
func takes(atLeast, atMost int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < atLeast || len(args) > atMost {
			return usagef("%s takes %s", cmd.Name(), what)
		}
		return nil
	}
}
