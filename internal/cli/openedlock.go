package cli

import (
	"context"
	"io"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// openedLock is a Mutex, or an RWMutex or FileLock for writers or for readers.
type openedLock struct {
	io.Closer
	wait func(context.Context) (ipcsync.Held, error)
	try  func() (ipcsync.Held, bool, error)
}

func (l openedLock) take(ctx context.Context, try bool) (held, bool, error) {
	if try {
		return l.try()
	}
	h, err := l.wait(ctx)
	return h, err == nil, err
}

func (l openedLock) holders() []int {
	if o, ok := l.Closer.(syncObject); ok {
		return holdersOf(o)
	}
	return nil // the system doesn't tell of a FileLock
}
