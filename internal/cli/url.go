package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// target is a parsed URL: a mechanism, and a name or rooted path there.
type target struct {
	scheme string
	name   string
}

func (t target) String() string { return t.scheme + "://" + t.name }

// schemes are the URLs there are, and what their verbs take them for.
var schemes = []struct{ scheme, form, what string }{
	{"pipe", "pipe://NAME", "the named pipe NAME, as .NET and Windows know it"},
	{"pipe", "pipe:///PATH", "the named pipe whose socket is at /PATH (Unix)"},
	{"fifo", "fifo:///PATH", "the FIFO at /PATH (Unix)"},
}

func schemeHelp() string {
	var b strings.Builder
	for _, s := range schemes {
		fmt.Fprintf(&b, "  %-14s %s\n", s.form, s.what)
	}
	return b.String()
}

// parseURL takes a URL apart. Nothing in it is decoded: names have no special
// characters, and paths are better typed as they are.
func parseURL(text string) (target, error) {
	scheme, name, ok := strings.Cut(text, "://")
	if !ok {
		return target{}, usagef("%q is not a URL; for a named pipe say pipe://NAME, and in general:\n%s",
			text, strings.TrimRight(schemeHelp(), "\n"))
	}
	t := target{scheme, name}
	rooted := filepath.IsAbs(name) || strings.HasPrefix(name, "/")
	switch {
	case !slices.ContainsFunc(schemes, func(s struct{ scheme, form, what string }) bool { return s.scheme == scheme }):
		return t, usagef("no scheme %q in %q; these exist:\n%s", scheme, text, strings.TrimRight(schemeHelp(), "\n"))
	case name == "":
		return t, usagef("%q lacks a name after %s://", text, scheme)
	case scheme == "pipe" && !rooted && strings.Contains(name, "/"):
		return t, usagef("the name in %q has a slash; a path starts with a third one: pipe:///%s", text, name)
	case scheme == "fifo" && !rooted:
		path, err := filepath.Abs(name)
		if err != nil {
			return t, err
		}
		return t, usagef("%q names a file, so it takes a whole path: fifo://%s", text, path)
	}
	return t, nil
}

// completeURL lets the shell complete the start of a URL.
func completeURL(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"pipe://", "fifo:///"}, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}
