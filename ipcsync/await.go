package ipcsync

import (
	"context"
	"errors"
	"io/fs"

	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/watch"
)

// Await calls open until it returns something else than an error that is
// [os.ErrNotExist], and so opens an object as soon as it exists:
//
//	m, err := ipcsync.Await(ctx, func() (*ipcsync.Mutex, error) { return ipcsync.OpenMutex("deploy", nil) })
//
// open may be the Open of any package of this module, and is called by one
// goroutine. On Linux, where the object is a file, Await tries again when a file
// of that name appears; otherwise, and for segments that another program is still
// making, after 1 to 50 ms. It fails with [context.Cause] within 10 ms of ctx being
// done, or as soon as open fails in another way.
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
		if err := wait(ctx); err != nil {
			var none T
			return none, err
		}
	}
}
