package cli

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"
)

func newWait() *cobra.Command {
	w := &waiter{err: newScreen(os.Stderr)}
	cmd := &cobra.Command{
		Use:   "wait URL",
		Short: "Wait until an event is set, or a queue or ring has a message",
		Long: `wait waits until an event is set. One that was created with --manual stays set; any other
lets one waiter through, and is reset by that. Of a message queue or a ring wait takes nothing:
another process may take the message first. Of a ring wait is the receiver meanwhile: while
another process receives from a ring that has one receiver, wait fails; of one for several it
waits for what is sent from now on.` + doneHelp("waited"),
		Example: `  ipc wait event://ready && echo "the server is ready"
  ipc wait event://ready --timeout 10s
  ipc wait mq://jobs`,
		Args:              takes(1, 1, "one URL, such as event://ready"),
		ValidArgsFunction: completeURL("wait"),
		RunE:              func(cmd *cobra.Command, args []string) error { return w.run(cmd.Context(), args[0]) },
	}
	cmd.Flags().SortFlags = false
	w.waitFlags.register(cmd)
	w.registerTrust(cmd)
	w.done.register(cmd)
	return cmd
}

// waiter is one run of wait.
type waiter struct {
	accessFlags
	waitFlags
	done doneFlag
	err  screen
}

func (w *waiter) run(ctx context.Context, url string) error {
	if err := w.check(); err != nil {
		return err
	}
	t, err := parseURLFor("wait", url)
	if err != nil {
		return err
	}
	r, err := w.rule()
	if err != nil {
		return err
	}
	o, err := t.await(t, r)
	if err != nil {
		return err
	}
	defer o.Close()
	return w.done.report(w.wait(ctx, t, o), "waited", url, 0)
}

func (w *waiter) wait(ctx context.Context, t target, o awaitable) error {
	ctx, signals := hearSignals(ctx)
	defer signals.stop()
	ctx, cancel := w.bounded(ctx)
	defer cancel()
	defer w.err.hintIfSlow("waiting for " + t.String() + ", Ctrl-C stops")()
	ok := true
	var err error
	if w.try {
		ok, err = o.TryWait()
	} else {
		err = o.Wait(ctx)
	}
	if err == nil && !ok || errors.Is(err, errLate) {
		state := "not set"
		if t.queue != nil {
			state = "empty"
		}
		err = w.late(exitTimeout, t.String(), state, nil)
	}
	return err
}
