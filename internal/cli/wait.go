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
		Short: "Wait until an event is set",
		Long: `wait waits until an event is set. One that was created with --manual stays set; any other
lets one waiter through, and is reset by that.`,
		Example: `  ipc wait event://ready && echo "the server is ready"
  ipc wait event://ready --timeout 10s`,
		Args:              takes(1, 1, "one URL, such as event://ready"),
		ValidArgsFunction: completeURL("wait"),
		RunE:              func(cmd *cobra.Command, args []string) error { return w.run(cmd.Context(), args[0]) },
	}
	cmd.Flags().SortFlags = false
	w.waitFlags.register(cmd)
	w.registerTrust(cmd)
	return cmd
}

// waiter is one run of wait.
type waiter struct {
	accessFlags
	waitFlags
	err screen
}

func (w *waiter) run(ctx context.Context, url string) error {
	if err := w.check(); err != nil {
		return err
	}
	return w.onEvent("wait", url, func(e settable) error { return w.wait(ctx, url, e) })
}

func (w *waiter) wait(ctx context.Context, url string, e settable) error {
	ctx, signals := hearSignals(ctx)
	defer signals.stop()
	ctx, cancel := w.bounded(ctx)
	defer cancel()
	defer w.err.hintIfSlow("waiting for " + url + ", Ctrl-C stops")()
	ok := true
	var err error
	if w.try {
		ok, err = e.TryWait()
	} else {
		err = e.Wait(ctx)
	}
	if err == nil && !ok || errors.Is(err, errLate) {
		err = w.late(exitTimeout, url, "not set", nil)
	}
	return err
}
