package cli

import (
	"github.com/spf13/cobra"
)

func newReset() *cobra.Command {
	var access accessFlags
	var done doneFlag
	cmd := &cobra.Command{
		Use:               "reset URL",
		Short:             "Reset an event",
		Long:              "reset makes an event not set: it lets no waiter through until `ipc set`." + doneHelp("reset"),
		Example:           `  ipc reset event://ready`,
		Args:              takes(1, 1, "one URL, such as event://ready"),
		ValidArgsFunction: completeURL("reset"),
		RunE: func(_ *cobra.Command, args []string) error {
			return done.report(access.onEvent("reset", args[0], settable.Reset), "reset", args[0], 0)
		},
	}
	access.registerTrust(cmd)
	done.register(cmd)
	return cmd
}
