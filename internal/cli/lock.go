package cli

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"
)

func newLock() *cobra.Command {
	l := &locker{err: newScreen(os.Stderr)}
	cmd := &cobra.Command{
		Use:   "lock URL -- COMMAND...",
		Short: "Run a command while no other process holds a lock",
		Long: `lock waits for a lock, runs COMMAND while it holds it, and unlocks it when COMMAND has
ended, with whatever exit code. It creates the lock if there is none. Go programs have
the same locks as ipcsync.Mutex, RWMutex, FileLock and Lead, .NET on Windows as Mutex.

A rwmutex:// and a file:// have any number of holders with --shared, or one without.
A file:// is locked as by flock(1), and excludes that; with --fcntl as FileStream.Lock of
.NET and lockf of Python and C do. A lead:// is had by the process that leads under the name
(ipcsync.Lead).

A lock doesn't stay locked when its holder dies. What the holder was doing may be half
done, so the next lock says on standard error that the holder died, and runs COMMAND
with the variable ` + recoveredVariable + ` set to 1, otherwise 0. If COMMAND then exits with 0,
what the lock protects counts as repaired. If COMMAND fails, or ipc is killed, the next
holder is told again. With --shared COMMAND is told too, but repairs nothing.

` + heldCommandHelp,
		Example: `  ipc lock mutex://deploy -- ./deploy.sh production
  ipc lock mutex://backup --try -- make backup       # not while another backup runs
  ipc lock rwmutex://data --shared -- grep x data
  ipc lock file:///tmp/build.lock -- make            # as flock /tmp/build.lock make
  ipc lock mutex://log --timeout 5s -- sh -c 'echo "$0" >> log' "a line"`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeURLAndCommand("lock"),
		RunE: func(cmd *cobra.Command, args []string) error {
			url, words, err := urlAndCommand(cmd, args)
			if err != nil {
				return err
			}
			return l.run(cmd.Context(), url, words)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVarP(&l.shared, "shared", "s", false, "together with other holders that say so (rwmutex, file)")
	cmd.Flags().BoolVar(&l.fcntl, "fcntl", false, "lock the file as fcntl(2) and lockf(3) do, not as flock(1) (Linux)")
	l.waitFlags.register(cmd)
	l.registerAdmit(cmd)
	l.registerTrust(cmd)
	return cmd
}

// locker is one run of lock.
type locker struct {
	accessFlags
	waitFlags
	shared, fcntl bool
	err           screen
	target        target
}

func (l *locker) run(ctx context.Context, url string, words []string) (err error) {
	if l.target, err = parseURLFor("lock", url); err != nil {
		return err
	}
	if err := l.check(); err != nil {
		return err
	}
	r, err := l.rule()
	switch {
	case err != nil:
		return err
	case l.shared && !l.target.lock.shared:
		return usagef("%s has one holder; --shared is for a rwmutex or a file", withArticle(l.target.noun))
	case l.fcntl && !l.target.lock.fcntl:
		return usagef("--fcntl is for file:// alone")
	case l.trust != nil && l.target.scheme == "file":
		return usagef("a file lock takes the file of any user that lets this one open it; leave --trust out")
	case len(words) == 0:
		return usagef("say what to run: ipc lock %s -- COMMAND", l.target)
	}
	c := &heldCommand{words, func(ctx context.Context) (*holding, error) { return l.hold(ctx, r) }}
	return c.run(ctx)
}

// hold takes the lock, which is created if need be.
func (l *locker) hold(ctx context.Context, r accessRule) (*holding, error) {
	lock, err := l.target.lock.open(l, r)
	if err != nil {
		return nil, err
	}
	h, err := l.take(ctx, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	recovered := h.Recovered()
	if recovered {
		warn("a process that held %s died; what it was doing may be half done", l.target)
	}
	return &holding{
		release: func(succeeded bool) (err error) {
			if recovered && succeeded && !l.shared {
				err = h.MarkConsistent()
			}
			return errors.Join(err, h.Unlock(), lock.Close())
		},
		recovered: recovered,
	}, nil
}

func (l *locker) take(ctx context.Context, lock lock) (held, error) {
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	defer l.err.hintIfSlow("waiting for " + l.target.String() + ", Ctrl-C stops")()
	h, ok, err := lock.take(ctx, l.try)
	if err == nil && !ok || errors.Is(err, errLate) {
		err = l.late(exitTimedOut, l.target.String(), "locked", lock.holders())
	}
	return h, err
}
