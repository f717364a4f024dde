package cli

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/breezeway-ipc/breezeway/internal/fail"
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
	fail.Speak(goWords)
	root, out := newRoot(), &helpWriter{w: os.Stdout}
	root.SetOut(out)
	refuseUnknownVerbs(root, out)
	if len(os.Args) > 1 && os.Args[1] == "call" {
		root.SetArgs(afterSpaces(os.Args[1:]))
	}
	cmd, err := root.ExecuteC()
	if err == nil {
		err = out.err
	}
	if err == nil {
		return 0
	}
	e := exitOf(err)
	switch {
	case e.code == exitUsage && e.err != nil:
		fmt.Fprintf(os.Stderr, "%s: %s\nSee `%[1]s --help`.\n", cmd.CommandPath(), printableError(e.err))
	case e.err != nil:
		fmt.Fprintf(os.Stderr, "ipc: %s\n", printableError(e.err))
	}
	return e.code
}

// helpWriter writes help, the version and completions. It keeps the first error from
// cobra, which forgets it or prints it too.
type helpWriter struct {
	w   io.Writer
	err error
}

func (h *helpWriter) Write(b []byte) (int, error) {
	if h.err == nil {
		_, h.err = h.w.Write(b)
	}
	return len(b), nil
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "ipc",
		Short: "Talk to other processes of this machine",
		Long: `ipc works with what connects processes: pipes, shared memory, locks and the like.
What has a name is given as a URL:

` + schemeHelp(mechanisms) + formHelp(relayForms) + `
` + linkHelp + `

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
	root.AddCommand(newServe(), newSend(), newReceive(), newCall(), newPipeline(), newCreate(), newWrite(), newRead(), newRemove(),
		newLock(), newAcquire(), newRelease(), newWait(), newSet(), newReset(), newList(), newStat(),
		newRelay(), newReplay(), newDemo(), newDemoProcess(), newBench(), newBenchPeer(), newBenchGuard())
	for _, c := range root.Commands() {
		c.Long, c.Example = localPaths.Replace(c.Long), localPaths.Replace(c.Example)
	}
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Example = "  ipc help serve"
			c.RunE = help
		case "completion":
			c.Example = "  source <(ipc completion bash)"
			c.Args = takes(0, 0, "a shell: bash, fish, powershell or zsh")
			c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			for _, shell := range c.Commands() {
				shell.Args = takes(0, 0, "no arguments")
				shell.Example = "  ipc completion " + shell.Name()
			}
		}
	}
	return root
}

// help shows the help of a verb.
func help(cmd *cobra.Command, words []string) error {
	found, unknown, err := cmd.Root().Find(words)
	if err != nil || len(unknown) > 0 {
		return usagef("no verb %q", strings.Join(words, " "))
	}
	found.InitDefaultHelpFlag()
	return found.Help()
}

// refuseUnknownVerbs has --help after a verb that doesn't exist fail, as the verb would
// without it. Cobra shows the help of root then.
func refuseUnknownVerbs(root *cobra.Command, out *helpWriter) {
	show := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		isFlag := func(arg string) bool { return strings.HasPrefix(arg, "-") }
		if verb := slices.DeleteFunc(slices.Clone(args), isFlag); cmd == root && len(verb) > 0 {
			out.err = usagef("no verb %q", verb[0])
			return
		}
		show(cmd, args)
	})
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
