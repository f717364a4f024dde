package ipcsync

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// fakeWaiter waits as its function does.
type fakeWaiter func(context.Context, *robust.Claim) (any, error)

func (f fakeWaiter) Waiter() robust.Waiter                                  { return f }
func (f fakeWaiter) Wait(ctx context.Context, c *robust.Claim) (any, error) { return f(ctx, c) }
func (f fakeWaiter) Try() (any, bool, error)                                { return nil, false, nil }

// A wait that has taken the claim may fail all the same, when its object is closed.
func TestWaitAnyFailsAfterItsClaim(t *testing.T) {
	claimed, refused := make(chan struct{}), make(chan struct{})
	i, _, err := WaitAny(t.Context(),
		fakeWaiter(func(_ context.Context, c *robust.Claim) (any, error) {
			<-claimed
			_, err := c.Take(func() (bool, error) { return true, nil })
			close(refused)
			return nil, err
		}),
		fakeWaiter(func(ctx context.Context, c *robust.Claim) (any, error) {
			c.Take(func() (bool, error) { return true, nil })
			close(claimed)
			<-refused
			<-ctx.Done() // the other one has ended
			return nil, os.ErrClosed
		}))
	if i != 1 || !errors.Is(err, os.ErrClosed) {
		t.Errorf("%d, %v", i, err)
	}
}
