package worker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"sync"

	"github.com/breezeway-ipc/breezeway"
)

// RemoteError is an error that a function returned in a worker. It has the text of that
// error, and [errors.Is] finds those registered errors ([RegisterError]) in it that it
// found in that one. Errors of other types are not there any more: [errors.As] finds none.
//
// An error that is itself a registered one comes as that, not inside a RemoteError.
type RemoteError struct {
	Func string // the name of the function
	PID  int    // the worker
	text string
	is   []error
}

func (e *RemoteError) Error() string   { return e.text }
func (e *RemoteError) Unwrap() []error { return e.is }

// registered are the errors that cross with their identity, by name.
var registered = newErrorTable(map[string]error{
	"context.Canceled": context.Canceled, "context.DeadlineExceeded": context.DeadlineExceeded,
	"errors.ErrUnsupported": errors.ErrUnsupported,
	"io.EOF":                io.EOF, "io.ErrUnexpectedEOF": io.ErrUnexpectedEOF, "io.ErrClosedPipe": io.ErrClosedPipe,
	"io.ErrShortWrite": io.ErrShortWrite, "io.ErrShortBuffer": io.ErrShortBuffer, "io.ErrNoProgress": io.ErrNoProgress,
	"net.ErrClosed": net.ErrClosed,
	"os.ErrInvalid": os.ErrInvalid, "os.ErrPermission": os.ErrPermission, "os.ErrExist": os.ErrExist,
	"os.ErrNotExist": os.ErrNotExist, "os.ErrClosed": os.ErrClosed,
	"os.ErrDeadlineExceeded": os.ErrDeadlineExceeded, "os.ErrProcessDone": os.ErrProcessDone,
	"breezeway.ErrBroken": breezeway.ErrBroken, "breezeway.ErrMismatch": breezeway.ErrMismatch,
	"breezeway.ErrTooLarge": breezeway.ErrTooLarge, "breezeway.ErrRemoved": breezeway.ErrRemoved,
})

type errorTable struct {
	mu     sync.Mutex
	byName map[string]error
	names  []string // in the order of registration
}

func newErrorTable(standard map[string]error) *errorTable {
	return &errorTable{byName: standard, names: slices.Sorted(maps.Keys(standard))}
}

// RegisterError makes err, a sentinel of this program, cross between processes: an error
// that a function returns is err for [errors.Is] in the caller if it was in the worker.
// Call it in an init function, or for a variable, with a name that no other error has.
// The sentinels of packages context, errors, io, net and os, and of breezeway, are
// registered.
//
// It returns err, so that
//
//	var ErrFull = worker.RegisterError("full", errors.New("full"))
//
// defines one. A name that another error has is given to err.
func RegisterError(name string, err error) error {
	registered.mu.Lock()
	defer registered.mu.Unlock()
	if _, ok := registered.byName[name]; !ok {
		registered.names = append(registered.names, name)
	}
	registered.byName[name] = err
	return err
}

// namesOf returns the registered errors that are found in err, and whether the first one
// is err itself.
func namesOf(err error) (names []string, itself bool) {
	registered.mu.Lock()
	defer registered.mu.Unlock()
	for _, name := range registered.names {
		sentinel := registered.byName[name]
		switch {
		case same(err, sentinel):
			return []string{name}, true
		case errors.Is(err, sentinel):
			names = append(names, name)
		}
	}
	return names, false
}

// same compares errors whose types may not be comparable.
func same(a, b error) (is bool) {
	defer func() { _ = recover() }()
	return a == b
}

// appendError encodes err: whether it is a registered error itself, how many of them are
// found in it, their names, and its text.
func appendError(b []byte, err error) []byte {
	names, itself := namesOf(err)
	b = append(b, 0)
	if itself {
		b[len(b)-1] = 1
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(names)))
	for _, name := range names {
		b = appendText(b, name)
	}
	return appendText(b, textOf(err))
}

// textOf survives an Error method that panics on a nil pointer, as package fmt does.
func textOf(err error) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprintf("an error of type %T whose method Error panics: %v", err, v)
		}
	}()
	return err.Error()
}

func appendText(b []byte, text string) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
	return append(b, text...)
}

// decodeError is the other side of appendError. It takes the error off the input.
func decodeError(d *decoder, name string, pid int) error {
	itself := d.byte()
	e := &RemoteError{Func: name, PID: pid}
	var first error
	for range d.count(4) {
		registered.mu.Lock()
		sentinel := registered.byName[d.text()]
		registered.mu.Unlock()
		if sentinel != nil {
			e.is = append(e.is, sentinel)
			first = e.is[0]
		}
	}
	e.text = d.text()
	switch {
	case d.err != nil:
		return d.err
	case itself == 1 && first != nil:
		return first
	}
	return e
}
