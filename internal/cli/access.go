package cli

import (
	"io/fs"
	"strconv"

	"github.com/spf13/cobra"
)

// accessFlags say which users what a verb creates admits, and whose objects it
// opens, besides this user's.
type accessFlags struct {
	mode         string
	allow, trust []string
	project      string // of verbs that take System V queues
}

// registerAdmit registers the flags of verbs that create or serve.
func (o *accessFlags) registerAdmit(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.mode, "mode", "", "what is created admits users by permission `BITS`, such as 0660")
	cmd.Flags().StringArrayVar(&o.allow, "allow", nil, "what is created admits a `USER`, @group or SID (repeatable)")
}

// registerTrust registers the flag of verbs that open what exists.
func (o *accessFlags) registerTrust(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.trust, "trust", nil, "accept what belongs to this `USER` too (repeatable)")
}

// accessRule is what the flags say.
type accessRule struct {
	mode         fs.FileMode // 0 if --mode was left out
	allow, trust []string
	project      int // 0 if --project was left out
}

func (o *accessFlags) rule() (accessRule, error) {
	r := accessRule{allow: o.allow, trust: o.trust}
	var err error
	if r.project, err = projectOf(o.project); err != nil || o.mode == "" {
		return r, err
	}
	mode, err := strconv.ParseUint(o.mode, 8, 32)
	if err != nil || fs.FileMode(mode)&^fs.ModePerm != 0 {
		return r, usagef("--mode is permission bits in octal, such as 0660, not %q", o.mode)
	}
	r.mode = fs.FileMode(mode)
	return r, nil
}
