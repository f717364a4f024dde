package ipcsync

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/breezeway-ipc/breezeway"
)

func failed(kind, op, name string, err error) error {
	var already *breezeway.Error
	if err == nil || errors.As(err, &already) {
		return err
	}
	return &breezeway.Error{Op: op, Kind: kind, Name: name, Err: err}
}

// explain adds what to do about the errors that everybody meets. what is what
// the object is called, and function what its functions end in. scheme is the
// command's for it, "" if it has none.
func explain(err error, scheme, what, function, name string) error {
	command := func(verb string) string {
		if scheme == "" {
			return ""
		}
		return fmt.Sprintf(" or `ipc %s %s://%s`", verb, scheme, name)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no such %s; create it with ipcsync.Create%s%s (%w)", what, function, command("create"), err)
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("the %s exists; open it with ipcsync.Open%s, or remove it with ipcsync.Remove%s%s (%w)", what, function, function, command("rm"), err)
	}
	return err
}
