package cli

import (
	"path/filepath"
	"strings"
)

// target is a parsed URL: a mechanism, and a name or rooted path there.
type target struct {
	*mechanism
	name string
}

func (t target) String() string { return t.scheme + "://" + t.name }

// parseURLFor takes a URL apart for a verb, which may not be for its mechanism.
func parseURLFor(verb, text string) (target, error) {
	t, err := parseURL(text)
	if err != nil {
		return t, err
	}
	if n := needOf(verb); !n.met(t.mechanism) {
		return t, n.lacks(t)
	}
	return t, nil
}

// parseURL takes a URL apart. Nothing in it is decoded: names have no special
// characters, and paths are better typed as they are.
func parseURL(text string) (target, error) {
	scheme, name, ok := strings.Cut(text, "://")
	if !ok {
		return target{}, usagef("%q is not a URL; for a named pipe say pipe://NAME, and in general:\n%s",
			text, strings.TrimRight(schemeHelp(), "\n"))
	}
	t := target{mechanismOf(scheme), name}
	switch {
	case t.mechanism == nil:
		return t, usagef("no scheme %q in %q; these exist:\n%s", scheme, text, strings.TrimRight(schemeHelp(), "\n"))
	case name == "":
		return t, usagef("%q lacks a name after %s://", text, scheme)
	}
	return t, t.check(t)
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
