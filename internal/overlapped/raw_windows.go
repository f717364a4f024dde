package overlapped

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
)

// Raw is a File as a [syscall.RawConn]. Of that it has Control alone: the system offers no
// wait for a handle to become ready.
type Raw struct{ *File }

// Control calls use with the handle, which stays open for the length of that.
func (r Raw) Control(use func(fd uintptr)) error {
	return r.File.Control(func(h windows.Handle) error {
		use(uintptr(h))
		return nil
	})
}

var errNotReady = fmt.Errorf("a pipe on Windows is never said to be ready; use Control (%w)", errors.ErrUnsupported)

// Read returns [errors.ErrUnsupported].
func (r Raw) Read(func(fd uintptr) (done bool)) error { return errNotReady }

// Write returns [errors.ErrUnsupported].
func (r Raw) Write(func(fd uintptr) (done bool)) error { return errNotReady }
