package cli

import (
	"context"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// exclusiveLock is a Mutex, or an RWMutex for a writer.
type exclusiveLock struct {
	syncObject
	wait func(context.Context) (ipcsync.Held, error)
	try  func() (ipcsync.Held, bool, error)
}

func (l exclusiveLock) take(ctx context.Context, try bool) (held, bool, error) {
	if try {
		return l.try()
	}
	h, err := l.wait(ctx)
	return h, err == nil, err
}

func (l exclusiveLock) holders() []int { return holdersOf(l.syncObject) }
