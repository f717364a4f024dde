package cli

import (
	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/spf13/cobra"
)

func newSet() *cobra.Command {
	var access accessFlags
	cmd := &cobra.Command{
		Use:   "set URL",
		Short: "Set an event",
		Long: `set sets an event. One that was made with --manual lets everybody through from now on,
until ` + "`ipc reset`" + `; any other lets one waiter through, now or when one comes.`,
		Example:           `  ipc set event://ready`,
		Args:              takes(1, 1, "one URL, such as event://ready"),
		ValidArgsFunction: completeURL("event://"),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := parseURLOf(args[0], "event")
			if err != nil {
				return err
			}
			cfg, err := access.syncConfig()
			if err != nil {
				return err
			}
			e, err := ipcsync.OpenEvent(t.name, cfg)
			if err != nil {
				return err
			}
			defer e.Close()
			return e.Set()
		},
	}
	access.register(cmd)
	return cmd
}
