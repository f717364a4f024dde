package cli

import (
	"context"
	"errors"
	"os"

	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/spf13/cobra"
)

func newAcquire() *cobra.Command {
	a := &acquirer{err: newScreen(os.Stderr)}
	cmd := &cobra.Command{
		Use:   "acquire URL [-- COMMAND...]",
		Short: "Take a permit of a semaphore, perhaps for a command",
		Long: `acquire waits until a semaphore has a permit, and takes it.

With a COMMAND it runs that, and gives the permit back when COMMAND has ended, however
that was. That it has the permit is written down beside the semaphore. If ipc itself is
killed, who comes later and finds no permit gives back the dead one's, if it keeps such
books too: another ` + "`ipc acquire URL -- COMMAND`" + `, or a Go program with
ipcsync.Config.Track.

Without a COMMAND the permit stays taken until ` + "`ipc release`" + `, by whomever, and nothing is
written down or looked up. The exit code is then 0, 1 for an error, 2 for wrong usage, 3
if --timeout or --try ended the wait.

` + errandHelp,
		Example: `  ipc create sem://jobs --value 2
  ipc acquire sem://jobs -- make all       # of many, two run at a time
  ipc acquire sem://jobs --timeout 10s && start-something`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeURLAndCommand("sem://"),
		RunE: func(cmd *cobra.Command, args []string) error {
			url, words, err := urlAndCommand(cmd, args)
			if err != nil {
				return err
			}
			return a.run(cmd.Context(), url, words)
		},
	}
	cmd.Flags().SortFlags = false
	a.waitFlags.register(cmd)
	cmd.Flags().BoolVarP(&a.try, "try", "n", false, "don't wait")
	a.accessFlags.register(cmd)
	return cmd
}

// acquirer is one run of acquire.
type acquirer struct {
	accessFlags
	waitFlags
	err    screen
	target target
}

func (a *acquirer) run(ctx context.Context, url string, words []string) (err error) {
	if a.target, err = parseURLOf(url, "sem"); err != nil {
		return err
	}
	if err := a.check(); err != nil {
		return err
	}
	cfg, err := a.syncConfig()
	if err != nil {
		return err
	}
	if len(words) > 0 {
		cfg.Track = true
		e := &errand{words, func(ctx context.Context) (*holding, error) { return a.hold(ctx, cfg) }}
		return e.run(ctx)
	}
	s, err := ipcsync.OpenSemaphore(a.target.name, cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, signals := hearSignals(ctx)
	defer signals.stop()
	return a.take(ctx, s, exitTimeout)
}

// hold takes a permit that whoever comes later gives back if this process dies.
func (a *acquirer) hold(ctx context.Context, cfg *ipcsync.Config) (*holding, error) {
	s, err := ipcsync.OpenSemaphore(a.target.name, cfg)
	if err != nil {
		return nil, err
	}
	if err := a.take(ctx, s, exitTimedOut); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &holding{release: func() error {
		_, err := s.Release(1)
		return errors.Join(err, s.Close())
	}}, nil
}

func (a *acquirer) take(ctx context.Context, s *ipcsync.Semaphore, late int) error {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	defer a.err.hintIfSlow("waiting for a permit of " + a.target.String() + ", Ctrl-C stops")()
	var err error
	ok := true
	if a.try {
		ok, err = s.TryAcquire()
	} else {
		err = s.Acquire(ctx)
	}
	if err == nil && !ok || errors.Is(err, errLate) {
		err = a.late(late, a.target, "without a permit", s)
	}
	return err
}
