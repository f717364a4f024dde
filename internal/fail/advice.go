package fail

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/breezeway-ipc/breezeway"
)

// Advice is what to do about the errors that every kind of named object has.
type Advice struct {
	What   string // what the object is called: "mutex"
	Create string // the function that creates one: "ipcsync.CreateMutex"
	Open   string // the function that opens one
	Remove string // the call that removes one, "" if it goes with its last handle

	Scheme      string // of the command's URLs
	Creatable   bool   // `ipc create` takes the scheme
	CreateFlags string // what it needs besides the URL: " --size BYTES"
	Removable   bool   // `ipc rm` takes the scheme
}

// Explain adds the advice to an error of an operation on the object name. In the
// command it names verbs alone.
func (a Advice) Explain(op, name string, err error) error {
	url := a.Scheme + "://" + name
	create := way("; create it with ", a.Create, a.Creatable, "ipc create "+url+a.CreateFlags)
	open := way("; open it with ", a.Open, false, "")
	remove := way("; if nothing uses it any more, remove it with ", a.Remove, a.Removable, "ipc rm "+url)
	if a.Remove == "" {
		remove = "; it goes with its last handle, when all processes have closed it"
	}
	switch {
	case op == breezeway.OpRemove && errors.Is(err, breezeway.ErrMismatch):
		return err // what can't be removed is not to be removed
	case op == breezeway.OpRemove && errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no such %s (%w)", a.What, Bare(err))
	// An object whose layout is another one may count as one that isn't there too.
	case errors.Is(err, breezeway.ErrMismatch):
		return fmt.Errorf("%w%s", Bare(err), remove)
	case op == breezeway.OpCreate && errors.Is(err, fs.ErrNotExist):
		return err // it says what else is missing
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no such %s%s (%w)", a.What, create, Bare(err))
	case op != breezeway.OpCreate: // what exists then isn't the object, but its writer, for one
		return err
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("the %s exists%s%s (%w)", a.What, open, remove, Bare(err))
	}
	return err
}

// way returns how something is done: by a call of Go, and by a verb if the command can
// do it. In the command it leaves the call out, and returns "" if nothing is left.
func way(how, call string, can bool, verb string) string {
	switch {
	case can && spoken != nil:
		return fmt.Sprintf("%s`%s`", how, verb)
	case can:
		return fmt.Sprintf("%s%s or `%s`", how, call, verb)
	case spoken != nil:
		return ""
	}
	return how + call
}
