package cli

import (
	"os"
	"path/filepath"
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
		if verb == "create" {
			return completeStart(serving(verb))
		}
		return completeName(serving(verb), toComplete)
	}
}

// completeStart returns the beginnings of URLs.
func completeStart(some []*mechanism) (urls []string, _ cobra.ShellCompDirective) {
	for _, m := range some {
		urls = append(urls, m.start())
	}
	return urls, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

// completeName returns the URLs of objects that begin with start, or the beginnings of
// URLs if there are none.
func completeName(some []*mechanism, start string) ([]string, cobra.ShellCompDirective) {
	for _, m := range some {
		urls := m.urls(start)
		switch {
		case len(urls) == 0:
		case strings.HasSuffix(urls[0], "/"):
			return urls, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
		default:
			return urls, cobra.ShellCompDirectiveNoFileComp
		}
	}
	return completeStart(some)
}

// urls returns the URLs of the mechanism's objects that begin with start, if start
// has a scheme. Where these are paths it returns directories too, in front.
func (m *mechanism) urls(start string) (urls []string) {
	if m.list == nil || !strings.HasPrefix(start, m.start()) {
		return nil
	}
	var names []string
	from := ""
	if t := (target{mechanism: m, name: strings.TrimPrefix(start, m.scheme+"://")}); m.byDirectory || m.directory != nil && t.isRooted() {
		from, _ = filepath.Split(t.path())
		entries, _ := os.ReadDir(from) // a completion has no place for errors
		for _, e := range entries {
			if e.IsDir() {
				names = append(names, from+e.Name()+"/")
			}
		}
	}
	objects, _, _ := m.under(from)
	for _, o := range objects {
		names = append(names, o.name)
	}
	for _, name := range names {
		if url := (target{mechanism: m, name: name}).String(); strings.HasPrefix(url, start) && printable(url, "") == url {
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
