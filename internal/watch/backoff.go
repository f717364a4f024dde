package watch

import (
	"context"
	"time"
)

// Backoff yields the pauses between tries where the system raises no event: 1
// to 50 ms, doubling. Its zero value starts at the shortest.
type Backoff struct{ next time.Duration }

const (
	shortest = time.Millisecond
	longest  = 50 * time.Millisecond
)

// Next returns how long to pause before the next try.
func (b *Backoff) Next() time.Duration {
	pause := max(b.next, shortest)
	b.next = min(2*pause, longest)
	return pause
}

// Sleep pauses for [Backoff.Next], or returns the cause of ctx's end.
func (b *Backoff) Sleep(ctx context.Context) error {
	t := time.NewTimer(b.Next())
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
