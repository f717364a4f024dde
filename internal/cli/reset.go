package cli

import (
	"github.com/spf13/cobra"
)

func newReset() *cobra.Command {
	var access accessFlags
	cmd := &cobra.Command{
		Use:   "reset URL",
		Short: "Reset an event, or a lock that was given up as broken",
		Long: `reset makes an event not set.

Of a lock it takes away that it is not recoverable: its holder died, and the next one,
a Go program, gave it up without having repaired what it protects. Do that first. A lock
that is held or free stays as it is.`,
		Example: `  ipc reset event://ready
  ipc reset mutex://deploy`,
		Args:              takes(1, 1, "one URL, such as event://ready"),
		ValidArgsFunction: completeURL("event://", "mutex://", "rwmutex://"),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := parseURLOf(args[0], "event", "mutex", "rwmutex")
			if err != nil {
				return err
			}
			cfg, err := access.syncConfig()
			if err != nil {
				return err
			}
			o, err := openTurns(t, cfg)
			if err != nil {
				return err
			}
			defer o.Close()
			return o.(interface{ Reset() error }).Reset() // semaphores have been refused
		},
	}
	access.register(cmd)
	return cmd
}
