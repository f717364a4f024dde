package cli

import (
	"context"
	"io"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// The calls of the command into package ipcsync.

// syncObject is what semaphores, locks, events and barriers have in common.
type syncObject interface {
	Stats() (ipcsync.Stats, error)
	Close() error
}

// permits is a semaphore.
type permits interface {
	syncObject
	Acquire(context.Context) error
	TryAcquire() (bool, error)
	Release(n int) (previous int, err error)
}

// awaitable is what wait waits for.
type awaitable interface {
	Wait(context.Context) error
	TryWait() (bool, error)
	Close() error
}

// settable is an event.
type settable interface {
	syncObject
	Wait(context.Context) error
	TryWait() (bool, error)
	Set() error
	Reset() error
}

// syncConfig returns the rule as the configuration of such an object.
func (r accessRule) syncConfig() *ipcsync.Config {
	return &ipcsync.Config{Mode: r.mode, Allow: r.allow, Trust: r.trust}
}

func createSemaphore(c *creator, t target, r accessRule) (io.Closer, error) {
	cfg := r.syncConfig()
	cfg.Max = c.max
	// The list of holders beside a semaphore that has vanished would be taken for
	// this one's; to track starts it anew.
	cfg.Track = t.vanishes()
	return ipcsync.CreateSemaphore(t.name, c.value, cfg)
}

func createMutex(_ *creator, t target, r accessRule) (io.Closer, error) {
	return ipcsync.CreateMutex(t.name, r.syncConfig())
}

func createRWMutex(_ *creator, t target, r accessRule) (io.Closer, error) {
	return ipcsync.CreateRWMutex(t.name, r.syncConfig())
}

func createEvent(c *creator, t target, r accessRule) (io.Closer, error) {
	cfg := r.syncConfig()
	cfg.ManualReset = c.manual
	return ipcsync.CreateEvent(t.name, cfg)
}

func openSemaphore(t target, r accessRule, track bool) (permits, error) {
	cfg := r.syncConfig()
	cfg.Track = track
	return ipcsync.OpenSemaphore(t.name, cfg)
}

func openEvent(t target, r accessRule) (settable, error) {
	return ipcsync.OpenEvent(t.name, r.syncConfig())
}

func awaitEvent(t target, r accessRule) (awaitable, error) { return openEvent(t, r) }

// removeSync makes remove of a row.
func removeSync(kind ipcsync.Kind) func(target, accessRule) error {
	return func(t target, r accessRule) error { return ipcsync.Remove(kind, t.name, r.syncConfig()) }
}

// holdersSync makes held of a row.
func holdersSync(kind ipcsync.Kind) func(target, accessRule) (ipcsync.Stats, error) {
	return func(t target, r accessRule) (ipcsync.Stats, error) { return ipcsync.Stat(kind, t.name, r.syncConfig()) }
}

// holdersOf returns the processes that hold an object, as far as they are known.
func holdersOf(o syncObject) []int {
	stats, err := o.Stats()
	if err != nil {
		return nil // only a hint is lost
	}
	return stats.PIDs
}
