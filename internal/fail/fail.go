// Package fail makes the errors that the packages of this module return.
package fail

import (
	"errors"
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

// AbsentError says that there is no file at a path. It wraps [fs.ErrNotExist].
type AbsentError struct{ Path string }

func (e *AbsentError) Error() string { return fs.ErrNotExist.Error() }
func (e *AbsentError) Unwrap() error { return fs.ErrNotExist }
