package endpoint

import (
	"context"
	"errors"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// Leader is a leadership that [Lead] returned. Its methods may be called concurrently.
type Leader interface {
	// Context is done when the leadership has ended; [context.Cause] then says why:
	// [ErrResigned], or how it was lost. A local leadership is never lost while its process
	// lives; one over a network is when the others can't reach this process.
	Context() context.Context

	// Term numbers the leaders under this name: each later one has a larger number.
	Term() uint64

	// Recovered reports whether the leader before died without resigning.
	Recovered() bool

	// Resign gives the leadership up. It fails with [breezeway.ErrRemoved], having done so,
	// if the name was removed meanwhile. Resigning again does nothing.
	Resign() error
}

// ErrResigned is the cause with which the context of a [Leader] ends that has resigned.
var ErrResigned = errors.New("the leader resigned")

// Lead waits until this caller leads under the name at a URL: one does, in all processes.
// When it resigns or dies, the next one does.
//
// It fails with [context.Cause] when ctx ends, and otherwise as the scheme's package does;
// with [os.ErrInvalid] for a bad URL, and with [errors.ErrUnsupported] for a scheme without
// leadership.
func Lead(ctx context.Context, url string) (Leader, error) {
	return leadership.open(ctx, url, nil)
}

var leadership = what[Leader]{breezeway.OpLead, "leadership",
	func(s *Scheme) func(context.Context, *URL) (Leader, error) { return s.Lead }}

var leadScheme = Scheme{
	Name:    "lead",
	Options: []string{"allow", "mode", "trust"},
	Lead: func(ctx context.Context, u *URL) (Leader, error) {
		cfg := &ipcsync.Config{Mode: u.Mode("mode"), Allow: u.Texts("allow"), Trust: u.Texts("trust"), Logger: u.logger}
		if u.err != nil {
			return nil, u.err
		}
		l, err := ipcsync.Lead(ctx, u.Name, cfg)
		if err != nil {
			return nil, err
		}
		led := &localLeader{Leader: l}
		led.ctx, led.end = context.WithCancelCause(context.Background())
		return led, nil
	},
}

// localLeader is an ipcsync.Leader.
type localLeader struct {
	*ipcsync.Leader
	ctx context.Context
	end context.CancelCauseFunc
}

func (l *localLeader) Context() context.Context { return l.ctx }

// Resign ends the context first, so that the work stops before another process leads.
func (l *localLeader) Resign() error {
	l.end(ErrResigned)
	return l.Leader.Resign()
}
