package cli

import (
	"math"
	"time"

	"github.com/spf13/cobra"
)

// queueFlags are the flags of create for queues.
type queueFlags struct {
	capacity, maxDeliveries   int
	capacityBytes, maxMessage byteSize
	full, deadLetter          string
	leaseTimeout              time.Duration
	sync                      bool
}

func (q *queueFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&q.capacity, "capacity", 0, "how many messages a queue holds (default 1024)")
	f.Var(&q.capacityBytes, "capacity-bytes", "how large these may be together (default 4M)")
	f.Var(&q.maxMessage, "max-message", "how large one may be (default 64K)")
	f.StringVar(&q.full, "full", "wait", "`WHAT` send does if it is full: wait, fail or drop")
	f.Var((*waitTime)(&q.leaseTimeout), "lease-timeout", "a lease ends after TIME, such as 30 (seconds)")
	f.IntVar(&q.maxDeliveries, "max-deliveries", 0, "how often a message is delivered at most")
	f.StringVar(&q.deadLetter, "dead-letter", "", "the queue `NAME` gets what was delivered so often")
	f.BoolVar(&q.sync, "sync", false, "what was sent to a durable queue outlives a power failure")
	cmd.RegisterFlagCompletionFunc("full", cobra.FixedCompletions([]string{"wait", "fail", "drop"}, cobra.ShellCompDirectiveNoFileComp))
}

// check checks the flags; given tells which there are.
func (q *queueFlags) check(given func(flag string) bool) error {
	for _, f := range []struct {
		name        string
		value, most int64
	}{
		{"capacity", int64(q.capacity), 1 << 26},
		{"capacity-bytes", int64(q.capacityBytes), 1 << 39},
		{"max-message", int64(q.maxMessage), 1 << 30},
		{"max-deliveries", int64(q.maxDeliveries), math.MaxInt32},
	} {
		if given(f.name) && (f.value < 1 || f.value > f.most) {
			return usagef("--%s is %d; give 1 to %d", f.name, f.value, f.most)
		}
	}
	return nil
}
