package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/spf13/cobra"
)

// turns is an object by which processes take turns.
type turns interface {
	Stats() (ipcsync.Stats, error)
	Close() error
}

// openTurns opens what t names.
func openTurns(t target, cfg *ipcsync.Config) (turns, error) {
	switch t.scheme {
	case "sem":
		return ipcsync.OpenSemaphore(t.name, cfg)
	case "mutex":
		return ipcsync.OpenMutex(t.name, cfg)
	case "rwmutex":
		return ipcsync.OpenRWMutex(t.name, cfg)
	}
	return ipcsync.OpenEvent(t.name, cfg)
}

// syncConfig returns the flags as the configuration of such an object.
func (o *accessFlags) syncConfig() (*ipcsync.Config, error) {
	mode, err := o.bits()
	return &ipcsync.Config{Mode: mode, Allow: o.allow}, err
}

// waitFlags say how long a verb waits.
type waitFlags struct {
	timeout time.Duration
	try     bool
}

func (o *waitFlags) register(cmd *cobra.Command) {
	cmd.Flags().DurationVarP(&o.timeout, "timeout", "t", 0, "give up after `TIME`, such as 3s")
}

func (o *waitFlags) check() error {
	switch {
	case o.timeout < 0:
		return usagef("--timeout %v is negative", o.timeout)
	case o.try && o.timeout > 0:
		return usagef("--try doesn't wait, so there is no --timeout")
	}
	return nil
}

// errLate is why a wait ended that --timeout bounds.
var errLate = errors.New("the time is up")

// bounded returns a context that --timeout ends.
func (o *waitFlags) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if o.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, o.timeout, errLate)
}

// late says, with an exit code, that --timeout or --try ended the wait for what t
// names, and which state it is in.
func (o *waitFlags) late(code int, t target, state string, of turns) error {
	if !o.try {
		state = fmt.Sprintf("still %s after %v", state, o.timeout)
	}
	if s, err := of.Stats(); err == nil && len(s.PIDs) > 0 {
		state += ", held by " + processes(s.PIDs)
	}
	return &exit{code, fmt.Errorf("%s is %s", t, state)}
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

// warn tells the user, on standard error, of something that is no failure.
func warn(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "ipc: warning: "+format+"\n", args...)
}
