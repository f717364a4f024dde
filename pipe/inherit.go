package pipe

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Inherit makes the process that cmd is going to be inherit f, one end of a
// pipe, and returns the number by which that process knows it: a descriptor
// (on Windows a handle) in decimal. Pass it on as an argument or in the
// environment. A child in Go opens it with [InheritedFile], one in another
// language with what that has for it: os.fdopen, fdopen, AnonymousPipeClientStream.
//
// Call it before cmd.Start, and close f after it: the other end sees the end of
// the pipe only when no process holds f any more. Starting cmd makes f lose its
// deadlines in this process.
//
// On Unix it appends f to cmd.ExtraFiles. On Windows f must be the end that
// [New] made for a child, by Config.Direction; an end with deadlines belongs to
// this process's poller and is refused with [os.ErrInvalid]. f's handle is made
// inheritable there; os/exec gives it to cmd alone, but code in this process
// that calls CreateProcess without a list of handles would pass it on too,
// until f is closed.
func Inherit(cmd *exec.Cmd, f *os.File) (handle string, err error) {
	err = errStarted
	if cmd.Process == nil {
		handle, err = inheritFile(cmd, f)
	}
	return handle, fail.With(breezeway.OpInherit, kindPipe, "", err)
}

var errStarted = fmt.Errorf("the command has been started already (%w)", os.ErrInvalid)

// InheritedFile opens, in a child, the end of a pipe that its parent passed to
// it with [Inherit]. It has deadlines except on Windows. Call it once for each
// handle, before starting children: until then they would inherit it too. On Unix a
// standard stream, 0 to 2, is the null device from then on.
//
// A handle that is not a number fails with [os.ErrInvalid], one that is not
// open with [os.ErrNotExist], and one that is not a pipe with
// [breezeway.ErrMismatch].
func InheritedFile(handle string) (*os.File, error) {
	f, err := inheritedFile(handle)
	return f, fail.With(breezeway.OpInheritedFile, kindPipe, handle, err)
}

func inheritedFile(handle string) (*os.File, error) {
	h, err := parseHandle(handle)
	if err != nil {
		return nil, err
	}
	return adopt(h)
}

func parseHandle(handle string) (uintptr, error) {
	h, err := strconv.ParseUint(handle, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is not the decimal number of a handle (%w)", handle, os.ErrInvalid)
	}
	return uintptr(h), nil
}
