package cli

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"
)

func newAcquire() *cobra.Command {
	a := &acquirer{err: newScreen(os.Stderr), count: 1}
	cmd := &cobra.Command{
		Use:   "acquire URL [-- COMMAND...]",
		Short: "Take a permit of a semaphore, perhaps for a command",
		Long: `acquire waits until a semaphore has a permit, and takes it. --count takes several, one
after the other, and gives them back if it doesn't get all. Two that each want several
can then wait for each other: give --timeout, or let one lock come first.

With a COMMAND it runs that, and gives back what it took when COMMAND has ended, with
whatever exit code. Beside the semaphore there is then a list of which process holds
how many permits. If ipc is killed, the next process that finds no permit gives back
the dead one's, if it keeps the list too: ` + "`ipc acquire URL -- COMMAND`" + `, or a Go program
with ipcsync.Config.Track. --mode and --allow are for the list, which acquire creates:
give the same as to ` + "`ipc create`" + `.

Without a COMMAND the permit stays taken until any process runs ` + "`ipc release`" + `; there is
no list then. The exit code is 0, 1 for an error, 2 for wrong usage, 3 if --timeout or
--try ended the wait.` + doneHelp("acquired") + `
  count  how many permits
With a COMMAND there is no --json: standard output is COMMAND's.

` + heldCommandHelp,
		Example: `  ipc create sem://jobs --value 2
  ipc acquire sem://jobs -- make all       # of many, two run at a time
  ipc acquire sem://jobs --count 2 -- make docs
  ipc acquire sem://jobs --timeout 10 && start-something`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeURLAndCommand("acquire"),
		RunE: func(cmd *cobra.Command, args []string) error {
			url, words, err := urlAndCommand(cmd, args)
			if err != nil {
				return err
			}
			return a.run(cmd.Context(), url, words)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().VarP(&a.count, "count", "c", "how many permits")
	a.waitFlags.register(cmd)
	a.registerAdmit(cmd)
	a.registerTrust(cmd)
	a.done.register(cmd)
	return cmd
}

// acquirer is one run of acquire.
type acquirer struct {
	accessFlags
	waitFlags
	count  permitCount
	done   doneFlag
	err    screen
	target target
}

func (a *acquirer) run(ctx context.Context, url string, words []string) (err error) {
	if a.target, err = parseURLFor("acquire", url); err != nil {
		return err
	}
	if err := a.check(); err != nil {
		return err
	}
	r, err := a.rule()
	if err != nil {
		return err
	}
	if len(words) > 0 && a.done.json {
		return usagef("standard output is that of COMMAND, so there is no --json")
	}
	if len(words) > 0 {
		c := &heldCommand{words, func(ctx context.Context) (*holding, error) { return a.hold(ctx, r) }}
		return c.run(ctx)
	}
	if a.mode != "" || a.allow != nil {
		return usagef("without a COMMAND acquire creates nothing; leave --mode and --allow out")
	}
	p, err := a.target.permits(a.target, r, false)
	if err != nil {
		return err
	}
	defer p.Close()
	ctx, signals := hearSignals(ctx)
	defer signals.stop()
	return a.done.report(a.take(ctx, p, exitTimeout), "acquired", a.target.String(), int(a.count))
}

// hold takes a permit that the next process gives back if this one dies.
func (a *acquirer) hold(ctx context.Context, r accessRule) (*holding, error) {
	p, err := a.target.permits(a.target, r, true)
	if err != nil {
		return nil, err
	}
	if err := a.take(ctx, p, exitTimedOut); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return &holding{release: func(bool) error {
		_, err := p.Release(int(a.count))
		return errors.Join(err, p.Close())
	}}, nil
}

func (a *acquirer) take(ctx context.Context, p permits, late int) error {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	defer a.err.hintIfSlow("waiting for a permit of " + a.target.String() + ", Ctrl-C stops")()
	for taken := range int(a.count) {
		var err error
		ok := true
		if a.try {
			ok, err = p.TryAcquire()
		} else {
			err = p.Acquire(ctx)
		}
		if err == nil && ok {
			continue
		}
		if err == nil || errors.Is(err, errLate) {
			err = a.late(late, a.target.String(), "without a permit", holdersOf(p))
		}
		if taken > 0 {
			_, failure := p.Release(taken)
			err = errors.Join(err, failure)
		}
		return err
	}
	return nil
}
