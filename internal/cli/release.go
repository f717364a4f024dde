package cli

import (
	"github.com/spf13/cobra"
)

func newRelease() *cobra.Command {
	var access accessFlags
	var done doneFlag
	n := permitCount(1)
	cmd := &cobra.Command{
		Use:   "release URL",
		Short: "Give permits to a semaphore",
		Long: `release adds permits to a semaphore, and so lets as many waiters go on. It fails, and
changes nothing, if there would be more than --max of ` + "`ipc create`" + ` said.

A permit has no owner: one process may release what another one took, and more can be
released than were taken. What ` + "`ipc acquire URL -- COMMAND`" + ` took it releases itself.` + doneHelp("released") + `
  count  how many permits`,
		Example: `  ipc release sem://jobs
  ipc release sem://jobs --count 3`,
		Args:              takes(1, 1, "one URL, such as sem://jobs"),
		ValidArgsFunction: completeURL("release"),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := parseURLFor("release", args[0])
			if err != nil {
				return err
			}
			r, err := access.rule()
			if err != nil {
				return err
			}
			p, err := t.permits(t, r, false)
			if err != nil {
				return err
			}
			defer p.Close()
			_, err = p.Release(int(n))
			return done.report(err, "released", t.String(), int(n))
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().VarP(&n, "count", "c", "how many permits")
	access.registerTrust(cmd)
	done.register(cmd)
	return cmd
}
