package cli

import (
	"context"
	"errors"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/spf13/cobra"
)

func newLock() *cobra.Command {
	l := &locker{err: newScreen(os.Stderr)}
	cmd := &cobra.Command{
		Use:   "lock URL -- COMMAND...",
		Short: "Run a command that nobody else is to run meanwhile",
		Long: `lock waits for a lock, runs COMMAND while it has it, and gives it up when COMMAND has
ended, however that was. It makes the lock if there is none. Go programs have the same
locks as ipcsync.Mutex and ipcsync.RWMutex, .NET on Windows as Mutex.

A rwmutex:// has any number of holders with --shared, or one without.

A lock doesn't stay held when its holder dies. lock then says so on standard error and
runs COMMAND all the same, as if the lock had been given up: COMMAND finds what the dead
one left, perhaps half done, and the variable ` + recoveredVariable + ` with the value 1, otherwise 0.
Nobody after it is told again. If COMMAND fails, that means nothing to the lock.

A lock that a Go program found so and gave up without a repair can't be had any more
(exit code 125), until ` + "`ipc reset`" + `.

` + errandHelp,
		Example: `  ipc lock mutex://deploy -- ./deploy.sh production
  ipc lock mutex://backup --try -- make backup       # not if another one is at it
  ipc lock rwmutex://data --shared -- grep x data
  ipc lock mutex://log --timeout 5s -- sh -c 'echo "$0" >> log' "a line"`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeURLAndCommand("mutex://", "rwmutex://"),
		RunE: func(cmd *cobra.Command, args []string) error {
			url, words, err := urlAndCommand(cmd, args)
			if err != nil {
				return err
			}
			return l.run(cmd.Context(), url, words)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVarP(&l.shared, "shared", "s", false, "together with others who say so (rwmutex)")
	l.waitFlags.register(cmd)
	cmd.Flags().BoolVarP(&l.try, "try", "n", false, "don't wait")
	l.accessFlags.register(cmd)
	return cmd
}

// locker is one run of lock.
type locker struct {
	accessFlags
	waitFlags
	shared bool
	err    screen
	target target
}

func (l *locker) run(ctx context.Context, url string, words []string) (err error) {
	if l.target, err = parseURLOf(url, "mutex", "rwmutex"); err != nil {
		return err
	}
	if err := l.check(); err != nil {
		return err
	}
	cfg, err := l.syncConfig()
	switch {
	case err != nil:
		return err
	case l.shared && l.target.scheme == "mutex":
		return usagef("a mutex has one holder; --shared is for rwmutex://%s", l.target.name)
	case len(words) == 0:
		return usagef("say what to run: ipc lock %s -- COMMAND", l.target)
	}
	e := &errand{words, func(ctx context.Context) (*holding, error) { return l.hold(ctx, cfg) }}
	return e.run(ctx)
}

// lock is what there is to lock.
type lock interface {
	turns
	Lock(context.Context) (ipcsync.Held, error)
	TryLock() (ipcsync.Held, bool, error)
}

// sharedLock is a read-write lock for a reader.
type sharedLock struct{ *ipcsync.RWMutex }

func (s sharedLock) Lock(ctx context.Context) (ipcsync.Held, error) { return s.RLock(ctx) }
func (s sharedLock) TryLock() (ipcsync.Held, bool, error)           { return s.TryRLock() }

// hold takes the lock, which is made if need be.
func (l *locker) hold(ctx context.Context, cfg *ipcsync.Config) (_ *holding, err error) {
	var m, alone lock
	if l.target.scheme == "mutex" {
		m, err = ipcsync.OpenOrCreateMutex(l.target.name, cfg)
		alone = m
	} else {
		var rw *ipcsync.RWMutex
		rw, err = ipcsync.OpenOrCreateRWMutex(l.target.name, cfg)
		m, alone = rw, rw
		if l.shared {
			m = sharedLock{rw}
		}
	}
	if err != nil {
		return nil, err
	}
	h, recovered, err := l.takeOver(ctx, m, alone)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &holding{func() error { return errors.Join(h.Unlock(), m.Close()) }, recovered}, nil
}

// takeOver takes m, and reports whether its holder had died, of which nobody else is
// told any more. alone is m for a writer.
func (l *locker) takeOver(ctx context.Context, m, alone lock) (h ipcsync.Held, recovered bool, err error) {
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	defer l.err.hintIfSlow("waiting for " + l.target.String() + ", Ctrl-C stops")()
	for {
		h, err = l.take(ctx, m)
		if err == nil {
			took, err := l.accept(h)
			return h, recovered || took, err
		}
		if !errors.Is(err, breezeway.ErrOwnerDead) {
			return h, recovered, err
		}
		// A writer died, and only a writer can say that readers may go on.
		w, err := l.take(ctx, alone)
		if err != nil {
			return h, recovered, err
		}
		took, err := l.accept(w)
		recovered = recovered || took
		if err = errors.Join(err, w.Unlock()); err != nil {
			return h, recovered, err
		}
	}
}

func (l *locker) take(ctx context.Context, m lock) (h ipcsync.Held, err error) {
	ok := true
	if l.try {
		h, ok, err = m.TryLock()
	} else {
		h, err = m.Lock(ctx)
	}
	if err == nil && !ok || errors.Is(err, errLate) {
		err = l.late(exitTimedOut, l.target, "locked", m)
	}
	return h, err
}

// accept takes what a dead holder left as it is.
func (l *locker) accept(h ipcsync.Held) (recovered bool, err error) {
	if !h.Recovered() {
		return false, nil
	}
	warn("the process that held %s died; what it was doing may be half done", l.target)
	return true, h.MarkConsistent()
}
