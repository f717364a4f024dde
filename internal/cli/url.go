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
	{"shm", "shm://NAME", "the shared memory NAME, as C, Python and .NET know it"},
	{"mmap", "mmap:///PATH", "the file at /PATH, mapped into memory"},
}

// isMemory reports whether there are bytes in place, not a stream.
func (t target) isMemory() bool { return t.scheme == "shm" || t.scheme == "mmap" }

// path returns the path of a URL that has one. On Windows a URL may have a slash
// in front of it, as in mmap:///C:/data.
func (t target) path() string {
	if path, ok := strings.CutPrefix(t.name, "/"); ok && filepath.VolumeName(path) != "" {
		return filepath.FromSlash(path)
	}
	return t.name
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
	case scheme == "shm" && rooted:
		return t, usagef("a segment's name has no slash; shm_open's /NAME is shm://NAME, and a file is mmap://%s", name)
	case (scheme == "fifo" || scheme == "mmap") && !rooted:
		path, err := filepath.Abs(name)
		if err != nil {
			return t, err
		}
		return t, usagef("%q names a file, so it takes a whole path: %s://%s", text, scheme, path)
	}
	return t, nil
}

// completeURL lets the shell complete the start of a URL.
func completeURL(starts ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return starts, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
}
