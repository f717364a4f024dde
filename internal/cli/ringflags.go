package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// ringFlags are the flags of create for rings, besides --capacity-bytes.
type ringFlags struct {
	shape, slow string
	receivers   int
}

var (
	shapes = []string{"one-to-one", "many-to-one", "broadcast"}
	slows  = []string{"block", "skip", "disconnect"}
)

func (r *ringFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&r.shape, "shape", "", "a ring is one-to-one (default), many-to-one or broadcast")
	f.StringVar(&r.slow, "slow", "", "slow receivers of a broadcast: block (default), skip, disconnect")
	f.IntVar(&r.receivers, "receivers", 0, "how many receivers a broadcast can have (default 16)")
	cmd.RegisterFlagCompletionFunc("shape", cobra.FixedCompletions(shapes, cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("slow", cobra.FixedCompletions(slows, cobra.ShellCompDirectiveNoFileComp))
}

// valueOf returns the one of several values that a flag names, with dashes for spaces;
// without the flag it is the first.
func valueOf[T fmt.Stringer](flag, given string, values ...T) (v T, err error) {
	var names []string
	for _, v := range values {
		name := strings.ReplaceAll(v.String(), " ", "-")
		if name == given || given == "" {
			return v, nil
		}
		names = append(names, name)
	}
	return v, usagef("--%s is %s, not %q", flag, listed(names, "or"), given)
}
