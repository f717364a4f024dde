package cli

import (
	"strconv"

	"github.com/spf13/cobra"
)

// registerProject registers the flag of verbs that take System V queues.
func (o *accessFlags) registerProject(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.project, "project", "", "of mq+sysv:///PATH: ftok's second `N`, or a letter (default 1)")
	cmd.RegisterFlagCompletionFunc("project", cobra.NoFileCompletions)
}

// projectOf returns the number that --project says: 1 to 255, or the code of a letter, as
// many C programs give it; 0 if it was left out.
func projectOf(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	if c := text[0]; len(text) == 1 && (c|0x20 >= 'a' && c|0x20 <= 'z') {
		return int(c), nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 255 {
		return 0, usagef("--project is 1 to 255 or a letter, not %q", text)
	}
	return n, nil
}

// checkProject fails if there is --project and t has no use for it.
func (o *accessFlags) checkProject(t target) error {
	switch {
	case o.project == "":
		return nil
	case !t.projects:
		return usagef("%s takes no --project", withArticle(t.noun))
	case !t.isRooted():
		return usagef("--project goes with the path of a file, and %s is a key: %s:///PATH", t, t.scheme)
	}
	return nil
}
