//go:build !linux

package local

import "context"

// Watch paces the tries of a waiter: this system raises no event that a new
// server could be met by.
type Watch struct{ pause Backoff }

// NewWatch starts to watch path.
func NewWatch(path string) *Watch { return new(Watch) }

// Wait returns nil after a pause of at most 50 ms, or the cause of ctx's end.
func (w *Watch) Wait(ctx context.Context) error { return w.pause.Sleep(ctx) }

// Close stops watching.
func (w *Watch) Close() {}
