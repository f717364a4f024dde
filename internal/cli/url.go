package cli

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/breezeway-ipc/breezeway/endpoint"
)

// target is a parsed URL: a mechanism, a name or rooted path there, and options.
type target struct {
	*mechanism
	name    string
	query   string        // the options as they were given
	options *endpoint.URL // those of connections; nil for other mechanisms
}

func (t target) String() string {
	if t.query != "" {
		return t.scheme + "://" + t.name + "?" + t.query
	}
	return t.scheme + "://" + t.name
}

// optionError returns what is wrong with the options that were read.
func (t target) optionError() error {
	if err := t.options.Err(); err != nil {
		return usagef("%s: %w", t, err)
	}
	return nil
}

// parseURLFor takes a URL apart for a verb, which may not be for its mechanism.
func parseURLFor(verb, text string) (target, error) {
	t, err := parseURL(text, serving(verb))
	if err != nil {
		return t, err
	}
	if n := needOf(verb); !n.met(t.mechanism) {
		return t, n.lacks(t)
	}
	if t.query != "" && !slices.Contains([]string{"serve", "send", "receive", "call"}, verb) {
		return t, usagef("the options of %s say how to connect, which %s does not; leave them out", t, verb)
	}
	return t, nil
}

// parseURL takes a URL apart. Nothing in it is decoded: names have no special
// characters, and paths are better typed as they are. able are the mechanisms that
// an error names.
func parseURL(text string, able []*mechanism) (target, error) {
	scheme, name, ok := strings.Cut(text, "://")
	if !ok {
		return target{}, usagef("%q is not a URL; for a named pipe say pipe://NAME, and in general:\n%s",
			text, strings.TrimRight(schemeHelp(able), "\n"))
	}
	t := target{mechanism: mechanismOf(scheme), name: name}
	switch {
	case slices.ContainsFunc(relayForms, func(f form) bool { return schemeOf(f.url) == scheme }):
		return t, usagef("%s is for ipc relay", text)
	case t.mechanism == nil:
		return t, usagef("no scheme %q in %q; these go here:\n%s", scheme, text, strings.TrimRight(schemeHelp(able), "\n"))
	case name == "":
		return t, usagef("%q lacks a name after %s://", text, scheme)
	}
	if t.connects {
		if err := t.takeOptions(text); err != nil {
			return t, err
		}
	}
	return t, t.check(t)
}

// takeOptions takes the options of a URL, which are those of package endpoint.
func (t *target) takeOptions(text string) (err error) {
	if t.options, err = endpoint.Parse(text); err != nil {
		return &exit{exitUsage, err}
	}
	if t.options.Fragment != "" {
		return usagef("%q names an object after #, which is for ipc call; a name has no #", text)
	}
	t.name, t.query, _ = strings.Cut(t.name, "?")
	return nil
}

// isRooted reports whether the name is a whole path.
func (t target) isRooted() bool { return filepath.IsAbs(t.name) || strings.HasPrefix(t.name, "/") }

// path returns the path of a URL that has one. On Windows a URL may have a slash
// in front of it, as in mmap:///C:/data.
func (t target) path() string {
	if path, ok := strings.CutPrefix(t.name, "/"); ok && filepath.VolumeName(path) != "" {
		return filepath.FromSlash(path)
	}
	return t.name
}

// plainName returns the check of a name that is no path. foreign says what the
// same is called elsewhere.
func plainName(foreign string) func(target) error {
	return func(t target) error {
		switch {
		case !strings.Contains(t.name, "/"):
			return nil
		case foreign == "":
			return usagef("a name has no slash, but the one in %q does", t)
		}
		return usagef("a name has no slash, but the one in %q does; %s", t, foreign)
	}
}

// nameOrPath checks that a name with a slash is a whole path.
func nameOrPath(t target) error {
	if !t.isRooted() && strings.Contains(t.name, "/") {
		return usagef("the name in %q has a slash; a path starts with a third one: %s:///%s", t, t.scheme, t.name)
	}
	return nil
}

// wholePath checks that a name is a whole path.
func wholePath(t target) error {
	if t.isRooted() {
		return nil
	}
	path, err := filepath.Abs(t.name)
	if err != nil {
		return err
	}
	return usagef("%q names a file, so it takes a whole path: %s://%s", t, t.scheme, path)
}
