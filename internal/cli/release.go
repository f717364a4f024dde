package cli

import (
	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/spf13/cobra"
)

func newRelease() *cobra.Command {
	var access accessFlags
	n := 1
	cmd := &cobra.Command{
		Use:   "release URL",
		Short: "Give permits to a semaphore",
		Long: `release adds permits to a semaphore, and so lets as many go on who wait for one. It
fails, and changes nothing, if there would be more than --max of ` + "`ipc create`" + ` said.

A permit belongs to nobody: what one process took another may release, and more can be
released than were taken. What ` + "`ipc acquire URL -- COMMAND`" + ` took it releases itself.`,
		Example: `  ipc release sem://jobs
  ipc release sem://jobs -n 3`,
		Args:              takes(1, 1, "one URL, such as sem://jobs"),
		ValidArgsFunction: completeURL("sem://"),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := parseURLOf(args[0], "sem")
			if err != nil {
				return err
			}
			cfg, err := access.syncConfig()
			if err != nil {
				return err
			}
			if n < 1 {
				return usagef("--count %d; release at least 1", n)
			}
			s, err := ipcsync.OpenSemaphore(t.name, cfg)
			if err != nil {
				return err
			}
			defer s.Close()
			_, err = s.Release(n)
			return err
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().IntVarP(&n, "count", "n", 1, "how many permits")
	access.register(cmd)
	return cmd
}
