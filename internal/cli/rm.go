package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/spf13/cobra"
)

func newRemove() *cobra.Command {
	r := &remover{}
	cmd := &cobra.Command{
		Use:   "rm URL",
		Short: "Remove shared memory, a semaphore, a lock or the like",
		Long: `rm removes what a URL names, whichever program created it, also an older or newer
version of Breezeway. Processes that have shared memory or a semaphore open keep it, and
its memory is freed when the last of them closes it. A lock, an event and the like can't
be used any more. Processes that wait get an error.

A lock or leadership that a process holds is left alone without --force: when it is
removed, its holder keeps it until it unlocks, and another process may hold a new lock of
that name at the same time. A lock that is taken just after rm has looked is removed.

For mmap:///PATH that is the file, with all that is in it, as rm(1) does; but what
is a symbolic link, a directory or a device, or belongs to neither this user nor the
superuser, is left alone. A file of fifo:///PATH must be a FIFO, and one of mq:///PATH a
queue.

Named pipes go with the process that serves them. On Windows shared memory, semaphores,
mutexes and events go with the last process that has them open: rm fails there.

With --json it prints one object with these fields:
  event  removed; time: RFC 3339
  url    as given`,
		Example: `  ipc rm shm://frame
  ipc rm mmap:///var/tmp/state
  ipc rm mutex://deploy
  ipc rm mutex://deploy --force     # also if a process holds it
  ipc rm fifo:///tmp/log`,
		Args:              takes(1, 1, "one URL, such as shm://frame"),
		ValidArgsFunction: completeURL("rm"),
		RunE:              func(_ *cobra.Command, args []string) error { return r.run(args[0]) },
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVarP(&r.force, "force", "f", false, "also a lock that a process holds")
	r.registerTrust(cmd)
	r.registerProject(cmd)
	cmd.Flags().BoolVar(&r.json, "json", false, "print JSON")
	return cmd
}

// remover is one run of rm.
type remover struct {
	accessFlags
	force, json bool
}

func (r *remover) run(url string) error {
	t, err := parseURLFor("rm", url)
	if err != nil {
		return err
	}
	if err := r.checkProject(t); err != nil {
		return err
	}
	rule, err := r.rule()
	if err != nil {
		return err
	}
	if !r.force {
		if err := checkFree(t, rule); err != nil {
			return err
		}
	}
	if err := t.remove(t, rule); err != nil {
		return err
	}
	if r.json {
		_, err = io.WriteString(os.Stdout, event{Event: "removed", Time: time.Now(), URL: t.String()}.String())
	}
	return err
}

// checkFree fails if a process holds what is to be removed, or if that can't be told.
func checkFree(t target, r accessRule) error {
	if t.held == nil || t.vanishes() {
		return nil
	}
	st, err := t.held(t, r)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, breezeway.ErrMismatch):
		return nil // it is not there, or of a version that is not understood
	case errors.Is(err, fs.ErrPermission): // force may not be enough either
		return fmt.Errorf("%w; so rm can't tell whether a process holds it", err)
	case err != nil:
		return fmt.Errorf("%w; so rm can't tell whether a process holds it; --force removes it all the same", err)
	case st.Holders == 0:
		return nil
	case len(st.PIDs) == 0:
		return fmt.Errorf("%s is held; wait until it is unlocked, or remove it with --force", t)
	}
	return fmt.Errorf("%s is held by %s; wait until it is unlocked, or remove it with --force", t, processes(st.PIDs))
}
