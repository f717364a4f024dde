package cli

import (
	"io"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/shm"
	"github.com/spf13/cobra"
)

func newRemove() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rm URL",
		Short: "Remove shared memory, a semaphore, a lock or the like",
		Long: `rm removes what a URL names, whoever made it. Processes that have it open keep it,
and its memory is freed when the last of them closes it; those that wait for a permit,
a lock or an event get an error.

For mmap:///PATH that is the file, with all that is in it, as rm(1) does; but what
is a symbolic link, a directory or a device, or belongs to neither this user nor the
superuser, is left alone. A file of fifo:///PATH must be a FIFO.

Named pipes go with whoever serves them. On Windows shared memory, semaphores, mutexes
and events go with the last process that has them open: rm fails there.

With --json it prints one object with these fields:
  event  removed; time: RFC 3339
  url    as given`,
		Example: `  ipc rm shm://frame
  ipc rm mmap:///var/tmp/state
  ipc rm mutex://deploy
  ipc rm fifo:///tmp/log`,
		Args:              takes(1, 1, "one URL, such as shm://frame"),
		ValidArgsFunction: completeURL("shm://", "mmap:///", "fifo:///", "sem://", "mutex://", "rwmutex://", "event://"),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := parseURL(args[0])
			if err == nil {
				err = remove(t)
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

func remove(t target) error {
	switch t.scheme {
	case "fifo":
		return pipe.RemoveFIFO(t.path())
	case "shm":
		return shm.Remove(shm.KindSegment, t.name, nil)
	case "mmap":
		return removeFile(t.path())
	case "sem":
		return ipcsync.RemoveSemaphore(t.name, nil)
	case "mutex":
		return ipcsync.RemoveMutex(t.name, nil)
	case "rwmutex":
		return ipcsync.RemoveRWMutex(t.name, nil)
	case "event":
		return ipcsync.RemoveEvent(t.name, nil)
	}
	return usagef("a named pipe goes with whoever serves it, so end that process; what a killed one left is replaced by the next to serve %s", t)
}

// removeFile removes a file that openMemory could have opened, and that belongs to
// whom this user trusts.
func removeFile(path string) error {
	f, err := object.Open(path, access.Rule{}, true)
	if err == nil {
		f.Close()
		err = object.Remove(path)
	}
	if err != nil {
		return failedFile("remove", path, err)
	}
	return nil
}
