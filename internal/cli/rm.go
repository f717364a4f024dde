package cli

import (
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
)

func newRemove() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rm URL",
		Short: "Remove shared memory, a semaphore, a lock or the like",
		Long: `rm removes what a URL names, whichever program created it, also an older or newer
version of Breezeway. Processes that have it open keep it, and its memory is freed when
the last of them closes it; those that wait for a permit, a lock or an event get an
error.

For mmap:///PATH that is the file, with all that is in it, as rm(1) does; but what
is a symbolic link, a directory or a device, or belongs to neither this user nor the
superuser, is left alone. A file of fifo:///PATH must be a FIFO.

Named pipes go with the process that serves them. On Windows shared memory, semaphores,
mutexes and events go with the last process that has them open: rm fails there.

With --json it prints one object with these fields:
  event  removed; time: RFC 3339
  url    as given`,
		Example: `  ipc rm shm://frame
  ipc rm mmap:///var/tmp/state
  ipc rm mutex://deploy
  ipc rm fifo:///tmp/log`,
		Args:              takes(1, 1, "one URL, such as shm://frame"),
		ValidArgsFunction: completeURL("rm"),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := parseURLFor("rm", args[0])
			if err == nil {
				err = t.remove(t)
			}
			if err == nil && asJSON {
				_, err = io.WriteString(os.Stdout, event{Event: "removed", Time: time.Now(), URL: t.String()}.String())
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
