package cli

import (
	"github.com/spf13/cobra"
)

func newSet() *cobra.Command {
	var access accessFlags
	var done doneFlag
	cmd := &cobra.Command{
		Use:   "set URL",
		Short: "Set an event",
		Long: `set sets an event. One that was created with --manual lets every waiter through from now
on, until ` + "`ipc reset`" + `; any other lets one waiter through, now or when one comes.` + doneHelp("set"),
		Example:           `  ipc set event://ready`,
		Args:              takes(1, 1, "one URL, such as event://ready"),
		ValidArgsFunction: completeURL("set"),
		RunE: func(_ *cobra.Command, args []string) error {
			return done.report(access.onEvent("set", args[0], settable.Set), "set", args[0], 0)
		},
	}
	access.registerTrust(cmd)
	done.register(cmd)
	return cmd
}

// onEvent opens an event for a verb, and calls f with it.
func (o *accessFlags) onEvent(verb, url string, f func(settable) error) error {
	t, err := parseURLFor(verb, url)
	if err != nil {
		return err
	}
	r, err := o.rule()
	if err != nil {
		return err
	}
	e, err := t.signal(t, r)
	if err != nil {
		return err
	}
	defer e.Close()
	return f(e)
}
