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
	Create string // the function that creates one: "ipcsync.CreateMutex"
	Open   string // the function that opens one
	Remove string // the call that removes one, "" if it goes with its last handle

	Scheme      string // of the command's URLs
	Creatable   bool   // `ipc create` takes the scheme
	CreateFlags string // what it needs besides the URL: " --size BYTES"
	Removable   bool   // `ipc rm` takes the scheme
}

// Explain adds the advice to an error of an operation on the object name.
func (a Advice) Explain(op, name string, err error) error {
	url := a.Scheme + "://" + name
	create, remove := a.Create, a.Remove
	if a.Creatable {
		create += fmt.Sprintf(" or `ipc create %s%s`", url, a.CreateFlags)
	}
	if a.Removable {
		remove += fmt.Sprintf(" or `ipc rm %s`", url)
	}
	const noneUses = "if nothing uses it any more, remove it with "
	switch {
	case op == breezeway.OpRemove && errors.Is(err, breezeway.ErrMismatch):
		return err // what can't be removed is not to be removed
	case op == breezeway.OpRemove && errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no such %s (%w)", a.What, Bare(err))
	// An object whose layout is another one may count as one that isn't there too.
	case errors.Is(err, breezeway.ErrMismatch) && a.Remove == "":
		return fmt.Errorf("%w; it goes with its last handle, when all processes have closed it", Bare(err))
	case errors.Is(err, breezeway.ErrMismatch):
		return fmt.Errorf("%w; %s%s", Bare(err), noneUses, remove)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no such %s; create it with %s (%w)", a.What, create, Bare(err))
	case op != breezeway.OpCreate: // what exists then isn't the object, but its writer, for one
		return err
	case errors.Is(err, fs.ErrExist) && a.Remove == "":
		return fmt.Errorf("the %s exists; open it with %s; it goes with its last handle, when all processes have closed it (%w)", a.What, a.Open, Bare(err))
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("the %s exists; open it with %s; or, %s%s (%w)", a.What, a.Open, noneUses, remove, Bare(err))
	}
	return err
}

// AbsentError says that there is no file at a path. It wraps [fs.ErrNotExist].
type AbsentError struct{ Path string }

func (e *AbsentError) Error() string { return fs.ErrNotExist.Error() }
func (e *AbsentError) Unwrap() error { return fs.ErrNotExist }
