package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// The codes of an [Error] that this package gives. The first five are JSON-RPC's own,
// CodeCancelled is the one of the Language Server Protocol.
const (
	CodeParse          = -32700 // not JSON, or not framed as it should be
	CodeInvalidRequest = -32600 // JSON, but no request
	CodeMethodNotFound = -32601 // no such object or method
	CodeInvalidParams  = -32602 // the arguments don't fit the method
	CodeInternal       = -32603 // the method panicked, or its result is no JSON

	CodeCancelled    = -32800 // the caller cancelled the call
	CodeFailed       = -32000 // the method returned an error that has no code of its own
	CodeUnauthorized = -32001 // no token was presented, or a wrong one
	CodeBusy         = -32002 // the connection has MaxCalls calls under way
	CodeTooLarge     = -32003 // a message exceeds MaxMessage
	CodeShuttingDown = -32004 // the server drains; the call was not executed
)

// ErrLost means that the connection broke while a call was under way: it may have been
// executed or not. Calls of [Object.Idempotent] are repeated instead.
var ErrLost = errors.New("the connection was lost")

// Error is what the other side answered instead of a result. A method that returns one
// chooses the code and the data that its caller gets; any other error arrives with
// CodeFailed and its text.
type Error struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"` // JSON, if there is any
}

// Errorf returns an Error with a code and a formatted message. Codes from -32768 to -32000
// are reserved.
func Errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string {
	if e == nil {
		return "a nil *rpc.Error"
	}
	return fmt.Sprintf("%s [%d]", e.Message, e.Code)
}

// Is makes the codes of this package comparable with [errors.Is]: CodeUnauthorized is
// [os.ErrPermission], CodeMethodNotFound [errors.ErrUnsupported], CodeInvalidParams and
// CodeInvalidRequest [os.ErrInvalid], CodeTooLarge [breezeway.ErrTooLarge], CodeParse
// [breezeway.ErrMismatch] and CodeCancelled [context.Canceled].
func (e *Error) Is(target error) bool {
	if e == nil {
		return false
	}
	sentinel, ok := sentinels[e.Code]
	return ok && target == sentinel
}

var sentinels = map[int]error{
	CodeUnauthorized:   os.ErrPermission,
	CodeMethodNotFound: errors.ErrUnsupported,
	CodeInvalidParams:  os.ErrInvalid,
	CodeInvalidRequest: os.ErrInvalid,
	CodeTooLarge:       breezeway.ErrTooLarge,
	CodeParse:          breezeway.ErrMismatch,
	CodeCancelled:      context.Canceled,
}

// remote returns what is sent for an error of a method. It calls the error's own methods,
// which may panic.
func remote(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e) && e == nil:
		return Errorf(CodeInternal, "the method returned a nil *rpc.Error as an error, which is not nil")
	case e != nil:
	case errors.Is(err, context.Canceled):
		e = Errorf(CodeCancelled, "the call was cancelled")
	default:
		e = Errorf(CodeFailed, "%s", err.Error()) // fmt would send what panics there
	}
	if len(e.Data) > 0 && !json.Valid(e.Data) {
		return Errorf(e.Code, "%s", e.Message)
	}
	return e
}

func failed(op, name string, err error) error { return fail.With(op, "rpc", name, err) }
