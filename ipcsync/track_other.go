//go:build !linux && !windows

package ipcsync

import (
	"context"

	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// There are no semaphores, so none is tracked.
func (t *tracked) await(ctx context.Context, c *robust.Claim) error {
	return t.permits.acquire(ctx, c)
}

func (t *tracked) identify() error { return nil }
