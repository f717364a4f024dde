// Package fail makes the errors that the packages of this module return.
package fail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/breezeway-ipc/breezeway"
)

// With puts an error of an operation into a [breezeway.Error]. It returns nil for
// nil, and an error that is one already as it is.
func With(op, kind, name string, err error) error {
	if err == nil {
		return nil // before anything that allocates
	}
	var already *breezeway.Error
	if errors.As(err, &already) {
		return err
	}
	return &breezeway.Error{Op: op, Kind: kind, Name: name, Err: Bare(err)}
}

// Bare takes off the path that package os adds to its errors: a
// [breezeway.Error] names the object.
func Bare(err error) error {
	switch e := err.(type) {
	case *fs.PathError:
		return e.Err
	case *os.LinkError:
		return e.Err
	case *breezeway.Error:
		return e.Err
	}
	return err
}

// Advice is what to do about the errors that every kind of named object has.
type Advice struct {
	What   string // what the object is called: "mutex"
	Scheme string // the command's, "" if no verb takes it
	Create string // the function that creates one: "ipcsync.CreateMutex"
	Open   string // the function that opens one
	Remove string // the call that removes one, "" if it goes with its last handle
}

// Explain adds the advice to an error about the object name.
func (a Advice) Explain(err error, name string) error {
	command := func(verb string) string {
		if a.Scheme == "" {
			return ""
		}
		return fmt.Sprintf(" or `ipc %s %s://%s`", verb, a.Scheme, name)
	}
	switch {
	case errors.Is(err, breezeway.ErrMismatch):
		return fmt.Errorf("%w; if nothing uses it any more, remove it with %s%s", Bare(err), a.Remove, command("rm"))
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no such %s; create it with %s%s (%w)", a.What, a.Create, command("create"), Bare(err))
	case errors.Is(err, fs.ErrExist) && a.Remove == "":
		return fmt.Errorf("the %s exists; open it with %s, or close it in all processes: it goes with its last handle (%w)", a.What, a.Open, Bare(err))
	case errors.Is(err, breezeway.ErrMismatch) && a.Remove == "":
		return fmt.Errorf("%w; it goes with its last handle, when all processes have closed it", Bare(err))
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("the %s exists; open it with %s, or remove it with %s%s (%w)", a.What, a.Open, a.Remove, command("rm"), Bare(err))
	}
	return err
}

// AbsentError says that there is no file at a path. It wraps [fs.ErrNotExist].
type AbsentError struct{ Path string }

func (e *AbsentError) Error() string { return fs.ErrNotExist.Error() }
func (e *AbsentError) Unwrap() error { return fs.ErrNotExist }
