package watch

import (
	"context"
	"time"
)

// Name wakes a goroutine when something happens to the file at a path: it appears, is
// renamed to the path, or its attributes change. Its methods are called by one
// goroutine.
type Name struct {
	changed chan struct{} // has an element when something has happened since Wait
	watch   *Subscription // nil if the system grants none
	pause   Backoff
}

// NewName begins to watch path. Look for the file after that, not before. Close ends
// it.
func NewName(path string) *Name {
	n := &Name{changed: make(chan struct{}, 1)}
	n.watch, _ = Path(path, func() {
		select {
		case n.changed <- struct{}{}:
		default: // one is enough
		}
	})
	return n
}

// Wait returns nil when the file may have changed, at the latest after a pause of at
// most 50 ms, or the cause of ctx's end.
func (n *Name) Wait(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	pause := time.NewTimer(n.pause.Next())
	defer pause.Stop()
	select {
	case <-n.changed:
	case <-pause.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// Close stops watching.
func (n *Name) Close() { n.watch.Cancel() }
