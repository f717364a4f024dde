package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// completeURL lets the shell complete the URL of a verb: its beginning, and the
// names that exist where the mechanism can list them.
func completeURL(verb string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var urls []string
		for _, m := range serving(verb) {
			if named := m.urls(toComplete); verb != "create" && len(named) > 0 {
				return named, cobra.ShellCompDirectiveNoFileComp
			}
			urls = append(urls, m.start())
		}
		return urls, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
}

// urls returns the URLs of the mechanism's objects that begin with start, if start
// has a scheme.
func (m *mechanism) urls(start string) (urls []string) {
	if m.list == nil || m.byDirectory || !strings.HasPrefix(start, m.start()) {
		return nil
	}
	names, err := m.list("")
	if err != nil {
		return nil // a completion has no place for errors
	}
	for _, name := range names {
		if url := (target{m, name}).String(); strings.HasPrefix(url, start) && printable(url, "") == url {
			urls = append(urls, url)
		}
	}
	return urls
}

// completeURLAndCommand is completeURL for verbs that run a command, whose words
// may be files.
func completeURLAndCommand(verb string) cobra.CompletionFunc {
	first := completeURL(verb)
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return first(cmd, args, toComplete)
	}
}
