package endpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// URL is a URL that [Parse] took apart. The methods that return options are called before
// anything is opened, and then Err.
type URL struct {
	Scheme   string
	Name     string // what stands between :// and the options
	Fragment string

	options url.Values
	logger  *slog.Logger
	err     error
}

// Parse takes a URL apart. It fails with [os.ErrInvalid] for text that is none, and for a
// scheme or an option that is not known.
func Parse(text string) (*URL, error) {
	u, err := parse(text, schemes.names())
	if err != nil {
		return nil, fail.With(breezeway.OpParse, kind, text, err)
	}
	return u, nil
}

// parse takes a URL apart. able are the schemes that an error names.
func parse(text string, able []string) (*URL, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return nil, noURL(text, able)
	}
	u := &URL{Scheme: scheme}
	rest, u.Fragment, _ = strings.Cut(rest, "#")
	name, query, _ := strings.Cut(rest, "?")
	u.Name = localName(name)
	s := schemes.find(scheme)
	if s == nil {
		return nil, invalid("there is no scheme %q; use one of: %s", scheme, known(able))
	}
	switch {
	case name == "" && !s.nameless:
		return nil, invalid("it lacks a name after %s://", scheme)
	case s.check != nil:
		if err := s.check(u); err != nil {
			return nil, err
		}
	}
	var err error
	if u.options, err = url.ParseQuery(query); err != nil {
		return nil, invalid("its options can't be read: %v", err)
	}
	for option := range u.options {
		if !slices.Contains(s.Options, option) {
			return nil, invalid("%s has no option %q; its options are %s", scheme, option, known(s.Options))
		}
	}
	return u, nil
}

// noURL says what to write instead of text that is no URL.
func noURL(text string, able []string) error {
	scheme, rest, ok := strings.Cut(text, ":")
	if ok && schemes.find(scheme) != nil {
		return invalid("a scheme has two slashes behind it: %s://%s", scheme, rest)
	}
	return invalid("it is no URL, which has the form scheme://name; the schemes are %s", known(able))
}

// wholePath checks that a URL names a file by its whole path.
func wholePath(u *URL) error {
	if strings.HasPrefix(u.Name, "/") || filepath.IsAbs(u.Name) {
		return nil
	}
	path, err := filepath.Abs(u.Name)
	if err != nil {
		return err
	}
	return invalid("it names a file, so it takes a whole path: %s://%s", u.Scheme, filepath.ToSlash(path))
}

// localName returns a name as the packages take it. On Windows a URL may have a slash in
// front of a path, as in mq:///C:/data.
func localName(name string) string {
	if path, ok := strings.CutPrefix(name, "/"); ok && filepath.VolumeName(path) != "" {
		return filepath.FromSlash(path)
	}
	return name
}

func (u *URL) String() string {
	text := u.Scheme + "://" + u.Name
	if len(u.options) > 0 {
		text += "?" + u.options.Encode()
	}
	if u.Fragment != "" {
		text += "#" + u.Fragment
	}
	return text
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+" (%w)", append(args, os.ErrInvalid)...)
}

func known(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Err returns what is wrong with the options that were read, nil if nothing is.
func (u *URL) Err() error { return u.err }

// Logger returns the Logger of the [Config] with which the URL is opened, nil if it has
// none.
func (u *URL) Logger() *slog.Logger { return u.logger }

// Text returns an option, "" if it isn't given. This and the methods below, but for Texts,
// are for options with one value: to give another one is an error.
func (u *URL) Text(option string) string {
	if n := len(u.options[option]); n > 1 && u.err == nil {
		u.err = invalid("its option %s is given %d times", option, n)
	}
	return u.options.Get(option)
}

// Texts returns all values of an option.
func (u *URL) Texts(option string) []string { return u.options[option] }

// Bool returns an option that is true if it has no value.
func (u *URL) Bool(option string) bool {
	if !u.options.Has(option) || u.Text(option) == "" {
		return u.options.Has(option)
	}
	return optionOf(u, option, "true or false", strconv.ParseBool)
}

// Int returns an option, 0 if it isn't given.
func (u *URL) Int(option string) int { return optionOf(u, option, "a number", strconv.Atoi) }

// Duration returns an option, 0 if it isn't given.
func (u *URL) Duration(option string) time.Duration {
	return optionOf(u, option, "a time, such as 30s", time.ParseDuration)
}

// Mode returns an option in octal digits, 0 if it isn't given.
func (u *URL) Mode(option string) fs.FileMode {
	return optionOf(u, option, "a mode in octal digits, such as 0660", func(text string) (fs.FileMode, error) {
		n, err := strconv.ParseUint(text, 8, 32)
		if err == nil && n > 0o777 {
			err = strconv.ErrRange
		}
		return fs.FileMode(n), err
	})
}

// Size returns an option in bytes, 0 if it isn't given.
func (u *URL) Size(option string) int64 {
	return optionOf(u, option, "a size in bytes, such as 4096 or 64KiB", parseSize)
}

// optionOf parses an option if it is given, and keeps the first error.
func optionOf[T any](u *URL, option, form string, parse func(string) (T, error)) (v T) {
	if !u.options.Has(option) {
		return v
	}
	v, err := parse(u.Text(option))
	if err != nil && u.err == nil {
		u.err = invalid("its option %s is %q, and should be %s", option, u.Text(option), form)
	}
	return v
}

// choice returns the value that an option names, and the zero value if it isn't given.
func choice[T any](u *URL, option string, values map[string]T) (v T) {
	text := u.Text(option)
	if !u.options.Has(option) {
		return v
	}
	v, ok := values[text]
	if !ok && u.err == nil {
		var names []string
		for name := range values {
			names = append(names, name)
		}
		slices.Sort(names)
		u.err = invalid("its option %s is %q; it may be %s", option, text, strings.Join(names, ", "))
	}
	return v
}

var units = map[string]int64{"": 1, "B": 1, "K": 1 << 10, "KiB": 1 << 10, "M": 1 << 20, "MiB": 1 << 20, "G": 1 << 30, "GiB": 1 << 30}

func parseSize(text string) (int64, error) {
	digits := strings.TrimRight(text, "BGKMi")
	unit, ok := units[text[len(digits):]]
	if !ok {
		return 0, errors.New("no unit")
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err == nil && (n < 0 || n > 1<<62/unit) {
		err = strconv.ErrRange
	}
	return n * unit, err
}
