package breezeway

import (
	"errors"
	"strings"
)

// Sentinels for what the standard library has no error for. Compare with
// [errors.Is]. Everything else is reported with the standard ones:
// [os.ErrExist], [os.ErrNotExist], [os.ErrPermission], [os.ErrInvalid],
// [os.ErrDeadlineExceeded], [net.ErrClosed], [io.EOF] and
// [errors.ErrUnsupported].
var (
	// ErrBroken means that not all parties will meet at a barrier: one of them
	// gave up or died.
	ErrBroken = errors.New("broken")
	// ErrMismatch means that the other side is not what was expected: another
	// protocol, mode, version, type or size. The object is left as it was.
	ErrMismatch = errors.New("mismatch")
	// ErrTooLarge means that something exceeds a limit that was agreed on.
	ErrTooLarge = errors.New("too large")
	// ErrRemoved means that the object was removed while it was in use. It is not
	// [os.ErrNotExist], which Open returns: there the name is free, and waiting or
	// creating helps; here the value is of no use any more, and is to be closed.
	ErrRemoved = errors.New("removed")
)

// Error is what every operation of this module fails with, except that a
// stream ends with a bare [io.EOF]. It implements [net.Error].
type Error struct {
	Op   string // what was tried: OpDial, OpListen, OpRead
	Kind string // the mechanism: "pipe", "fifo", "shm"
	Name string // the object's name or path, "" where it has none
	Err  error  // what was wrong and what to do about it
}

func (e *Error) Error() string {
	words := []string{e.Kind, e.Op}
	if e.Name != "" {
		words = append(words, printable(e.Name))
	}
	return strings.Join(words, " ") + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether a deadline or a context's time-out ended the
// operation.
func (e *Error) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// Temporary reports what the system's error says of itself; servers such as
// net/http's use it to go on accepting after a passing shortage.
func (e *Error) Temporary() bool {
	var t interface{ Temporary() bool }
	return errors.As(e.Err, &t) && t.Temporary()
}
