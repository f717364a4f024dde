package cli

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// Main runs the command and returns its exit code.
func Main() int {
	if watchVerb != "" && len(os.Args) == 2 && os.Args[1] == watchVerb {
		if watchGroup() != nil {
			return exitError
		}
		return 0
	}
	cmd, err := newRoot().ExecuteC()
	if err == nil {
		return 0
	}
	e := exitOf(err)
	switch {
	case e.code == exitUsage && e.err != nil:
		fmt.Fprintf(os.Stderr, "%s: %v\nSee `%[1]s --help`.\n", cmd.CommandPath(), e.err)
	case e.err != nil:
		fmt.Fprintf(os.Stderr, "ipc: %v\n", e.err)
	}
	return e.code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "ipc",
		Short: "Talk to other processes of this machine",
		Long: `ipc works with what connects processes: pipes, shared memory, locks and the like.
What has a name is given as a URL:

` + schemeHelp() + `
Every verb exits with 0, or 1 for an error, 2 for wrong usage, 3 for a time-out;
verbs that run a command say what they do with its code.`,
		Example: `  ipc serve pipe://chat            # in one terminal
  ipc send pipe://chat hello       # in another
  ipc read shm://frame --hex       # shared memory of any program
  ipc lock mutex://deploy -- make  # one at a time
  ipc demo                         # see mechanisms at work`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs, // so that an unknown verb comes to us

		DisableFlagsInUseLine: true,
		DisableSuggestions:    true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			// No guess: a guessed verb is run without a second look, and may remove.
			return usagef("no verb %q", args[0])
		},
	}
	root.SetUsageTemplate(strings.NewReplacer("[command]", "VERB", "Available Commands", "Verbs", "about a command", "about a verb").
		Replace(root.UsageTemplate()))
	root.SetVersionTemplate("ipc {{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exit{exitUsage, err} })
	root.AddCommand(newServe(), newSend(), newPipeline(), newCreate(), newWrite(), newRead(), newRemove(),
		newLock(), newAcquire(), newRelease(), newWait(), newSet(), newReset(), newList(), newStat(), newDemo(), newDemoProcess())
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
	return func(_ *cobra.Command, args []string) error {
		if len(args) < atLeast || len(args) > atMost {
			return usagef("it takes %s", what)
		}
		return nil
	}
}
