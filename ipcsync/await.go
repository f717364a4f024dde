package ipcsync

import (
	"context"
	"errors"
	"io/fs"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/watch"
)

// Await opens an object as soon as it exists: it calls open until that succeeds, or
// fails with another error than [os.ErrNotExist].
//
//	m, err := ipcsync.Await(ctx, func() (*ipcsync.Mutex, error) { return ipcsync.OpenMutex("deploy", nil) })
//
// open may call the Open function of any package of this module. Await calls it on
// the caller's goroutine, at least once, whatever ctx says. On Linux, where the
// object is a file, Await calls it again when a file of that name appears. Otherwise
// it does so after 1 to 50 ms, as it does for a segment that another program has not
// finished. Await fails with [context.Cause] within 10 ms of ctx being done, and
// with the error of open.
func Await[T any](ctx context.Context, open func() (T, error)) (T, error) {
	o, err := open()
	if !errors.Is(err, fs.ErrNotExist) {
		return o, err
	}
	wait := (&watch.Backoff{}).Sleep
	var absent *fail.AbsentError
	if errors.As(err, &absent) {
		file := watch.NewName(absent.Path)
		defer file.Close()
		wait = file.Wait
	}
	for {
		if o, err = open(); !errors.Is(err, fs.ErrNotExist) {
			return o, err
		}
		if ended := wait(ctx); ended != nil {
			var none T
			return none, failAwait(err, ended)
		}
	}
}

// failAwait returns why the wait for an object ended, in the words of the last attempt
// to open it.
func failAwait(last, ended error) error {
	var e *breezeway.Error
	if !errors.As(last, &e) {
		return ended
	}
	return &breezeway.Error{Op: e.Op, Kind: e.Kind, Name: e.Name, Err: ended}
}
