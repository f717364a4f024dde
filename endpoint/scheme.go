package endpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"regexp"
	"slices"
	"sync"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/mq"
)

// kind is what errors call what a URL names.
const kind = "endpoint"

// Scheme is what the URLs of one scheme can open. A function that is nil is something that
// the scheme lacks.
//
// The functions get URLs of which the scheme and the options' names are known to be right.
// They read the options, look at [URL.Err], and open only then.
type Scheme struct {
	Name    string   // small letters, digits and + - . after a letter
	Options []string // names of all options

	Listen     func(ctx context.Context, u *URL) (net.Listener, error)
	Dial       func(ctx context.Context, u *URL) (net.Conn, error)
	DialWait   func(ctx context.Context, u *URL) (net.Conn, error)
	OpenQueue  func(ctx context.Context, u *URL) (mq.Queue, error)
	OpenLatest func(ctx context.Context, u *URL) (Cell, error)
	Lead       func(ctx context.Context, u *URL) (Leader, error)

	nameless bool             // nothing has to stand after ://
	check    func(*URL) error // the form of the name; nil: any
	instead  string           // what to write where it lacks something, if that is not another scheme
}

// Register makes a scheme known to the functions of this package. It fails with
// [os.ErrExist] if there is one of that name, and with [os.ErrInvalid] for a name that no
// URL can have. It may be called concurrently with everything else, typically from an init
// function.
func Register(s Scheme) error {
	if !schemeName.MatchString(s.Name) {
		return fail.With(breezeway.OpRegister, kind, s.Name, invalid("the name of a scheme has small letters, digits and + - . after a letter, as in mq+posix"))
	}
	if !schemes.add(&s) {
		return fail.With(breezeway.OpRegister, kind, s.Name, fmt.Errorf("there is a scheme of that name (%w)", os.ErrExist))
	}
	return nil
}

// schemeName is what RFC 3986 calls a scheme, in the form in which it is written.
var schemeName = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)

// Schemes returns the names of the schemes that are known, sorted.
func Schemes() []string { return schemes.names() }

// table is the schemes that are known.
type table struct {
	mu  sync.RWMutex
	all []*Scheme
}

var schemes table

func init() {
	schemes.all = []*Scheme{
		&pipeScheme, &shmnetScheme, &unixScheme, &tcpScheme, &tlsScheme, &activatedScheme,
		&fifoScheme, &stdioScheme,
		&queueScheme, &posixScheme, &systemVScheme, &ringScheme,
		&latestScheme, &leadScheme,
	}
}

func (t *table) find(name string) *Scheme {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, s := range t.all {
		if s.Name == name {
			return s
		}
	}
	return nil
}

func (t *table) add(s *Scheme) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.ContainsFunc(t.all, func(other *Scheme) bool { return other.Name == s.Name }) {
		return false
	}
	t.all = append(t.all, s)
	return true
}

// names returns the names of all schemes, sorted.
func (t *table) names() []string { return t.having(func(*Scheme) bool { return true }) }

// having returns the names of those schemes for which has reports true, sorted.
func (t *table) having(has func(*Scheme) bool) []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var names []string
	for _, s := range t.all {
		if has(s) {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

// what is something that a scheme may be able to open.
type what[T any] struct {
	op, noun string
	how      func(*Scheme) func(context.Context, *URL) (T, error)
}

// open opens what a URL names.
func (w what[T]) open(ctx context.Context, text string, logger *slog.Logger) (v T, err error) {
	u, how, err := w.parse(text)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		u.logger = logger
		opened, failed := how(ctx, u)
		if failed == nil {
			return opened, nil
		}
		err = failed
	}
	return v, fail.With(w.op, kind, text, err)
}

// parse takes a URL apart, and returns how it is opened.
func (w what[T]) parse(text string) (u *URL, how func(context.Context, *URL) (T, error), err error) {
	able := schemes.having(func(s *Scheme) bool { return w.how(s) != nil })
	if u, err = parse(text, able); err != nil {
		return nil, nil, err
	}
	s := schemes.find(u.Scheme)
	if how = w.how(s); how != nil {
		return u, how, nil
	}
	instead := "these schemes have: " + known(able)
	if s.instead != "" {
		instead = s.instead
	}
	return nil, nil, fmt.Errorf("%s has no %s; %s (%w)", u.Scheme, w.noun, instead, errors.ErrUnsupported)
}
