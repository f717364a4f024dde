//go:build !linux && !windows

package ipcsync

import "context"

// There are no semaphores, so none is tracked.
func (t *tracked) await(ctx context.Context, c *claim) error { return t.permits.acquire(ctx, c) }

func (t *tracked) identify() error { return nil }

func (t *tracked) discard() error { return nil }
