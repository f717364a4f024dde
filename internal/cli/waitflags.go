package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// waitFlags say how long a verb waits.
type waitFlags struct {
	timeout time.Duration
	try     bool
	limited bool // by timeout
}

func (o *waitFlags) register(cmd *cobra.Command) {
	cmd.PreRun = func(cmd *cobra.Command, _ []string) { o.limited = cmd.Flags().Changed("timeout") }
	cmd.Flags().VarP((*waitTime)(&o.timeout), "timeout", "t", "give up after TIME, such as 3 (seconds) or 300ms; 0: don't wait")
	cmd.Flags().BoolVarP(&o.try, "try", "n", false, "don't wait")
}

// check checks the flags. A time of 0 is the same as --try.
func (o *waitFlags) check() error {
	if o.try && o.limited {
		return usagef("--try doesn't wait, so there is no --timeout")
	}
	o.try = o.try || o.limited && o.timeout == 0
	return nil
}

// errLate is why a wait ended that --timeout bounds.
var errLate = errors.New("the time is up")

// bounded returns a context that --timeout ends.
func (o *waitFlags) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if !o.limited || o.try {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, o.timeout, errLate)
}

// late returns the error, with an exit code, of a wait that --timeout or --try
// ended: in which state the object is, and which processes hold it.
func (o *waitFlags) late(code int, url, state string, holders []int) error {
	if !o.try {
		state = fmt.Sprintf("still %s after %v", state, o.timeout)
	}
	if len(holders) > 0 {
		state += ", held by " + processes(holders)
	}
	return &exit{code, fmt.Errorf("%s is %s", url, state)}
}

// processes names processes by their ids.
func processes(pids []int) string {
	const most = 5
	var words []string
	for i, pid := range pids {
		if i == most {
			words = append(words, "…")
			break
		}
		words = append(words, fmt.Sprint(pid))
	}
	if len(pids) == 1 {
		return "process " + words[0]
	}
	return "processes " + strings.Join(words, ", ")
}
