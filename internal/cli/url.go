package cli

import (
	"fmt"
	"path/filepath"
	"runtime"
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
	{"sem", "sem://NAME", "the semaphore NAME, as C, Python and .NET know it"},
	{"mutex", "mutex://NAME", "the lock NAME, which one process has at a time"},
	{"rwmutex", "rwmutex://NAME", "the lock NAME, which readers share"},
	{"event", "event://NAME", "the event NAME, which processes wait for"},
}

// uses are the verbs for what a URL names, and why only these.
var uses = map[string]string{
	"pipe":    "%s carries a stream; see `ipc serve %[1]s` and `ipc send %[1]s`",
	"fifo":    "%s carries a stream; see `ipc serve %[1]s` and `ipc send %[1]s`",
	"shm":     "%s is memory; see `ipc read %[1]s` and `ipc write %[1]s TEXT`",
	"mmap":    "%s is memory; see `ipc read %[1]s` and `ipc write %[1]s TEXT`",
	"sem":     "%s is a semaphore; see `ipc acquire %[1]s` and `ipc release %[1]s`",
	"mutex":   "%s is a lock; see `ipc lock %[1]s -- COMMAND`",
	"rwmutex": "%s is a lock; see `ipc lock %[1]s -- COMMAND`",
	"event":   "%s is an event; see `ipc wait %[1]s` and `ipc set %[1]s`",
}

// parseURLOf is parseURL for a verb that takes only some schemes.
func parseURLOf(text string, schemes ...string) (target, error) {
	t, err := parseURL(text)
	if err == nil && !slices.Contains(schemes, t.scheme) {
		err = usagef(uses[t.scheme], t)
	}
	return t, err
}

// isMemory reports whether there are bytes in place, not a stream.
func (t target) isMemory() bool { return t.scheme == "shm" || t.scheme == "mmap" }

// isTurn reports whether processes take turns by it.
func (t target) isTurn() bool {
	return slices.Contains([]string{"sem", "mutex", "rwmutex", "event"}, t.scheme)
}

// vanishes reports whether what t names goes with the last process that has it
// open.
func (t target) vanishes() bool {
	return runtime.GOOS == "windows" && slices.Contains([]string{"shm", "sem", "mutex", "event"}, t.scheme)
}

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
	case t.isTurn() && strings.Contains(name, "/"):
		return t, usagef("a name has no slash; sem_open's /NAME is sem://NAME, not %q", text)
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

// completeURLAndCommand is completeURL for verbs that run a command, whose words are
// files as far as we know.
func completeURLAndCommand(starts ...string) cobra.CompletionFunc {
	first := completeURL(starts...)
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return first(cmd, args, toComplete)
	}
}
