package cli

import (
	"io/fs"
	"strconv"

	"github.com/spf13/cobra"
)

// accessFlags say who is admitted besides this user.
type accessFlags struct {
	mode  string
	allow []string
}

func (o *accessFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.mode, "mode", "", "admit more users by permission `BITS`, such as 0660")
	cmd.Flags().StringArrayVar(&o.allow, "allow", nil, "admit a `USER`, @group or SID (repeatable)")
}

// bits returns --mode as a number, 0 if it was left out.
func (o *accessFlags) bits() (fs.FileMode, error) {
	if o.mode == "" {
		return 0, nil
	}
	mode, err := strconv.ParseUint(o.mode, 8, 32)
	if err != nil || fs.FileMode(mode)&^fs.ModePerm != 0 {
		return 0, usagef("--mode is permission bits in octal, such as 0660, not %q", o.mode)
	}
	return fs.FileMode(mode), nil
}
