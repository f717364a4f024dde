package cli

import (
	"context"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// openedLock is a Mutex, or an RWMutex for writers or for readers.
type openedLock struct {
	syncObject
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

func (l openedLock) holders() []int { return holdersOf(l.syncObject) }
