package shm

import (
	"context"
	"os"
	"time"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/barrier"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// newGate makes the gate of a word in the object, for waiters and wakers alike.
func newGate(o *ours, word *uint32, s *settings) (*wait.Gate, error) {
	at := uintptr(unsafe.Pointer(word)) - uintptr(unsafe.Pointer(unsafe.SliceData(o.Bytes())))
	name, err := wait.EventName(o.File, int64(at))
	if err != nil {
		return nil, err
	}
	g := wait.NewGate(word, wait.Name{Word: name, Access: s.access})
	g.WatchFile(o.File)
	return g, nil
}

// Wait returns the latest value and its version as soon as a value newer than version
// after has been stored: at once if there is one, otherwise woken by the Store. Values
// that were replaced before Wait saw them are left out.
//
//	for version := uint64(0); ; {
//		p, version, err = l.Wait(ctx, version)
//		…
//	}
//
// It fails with [context.Cause] within 10 ms of ctx being done, with [os.ErrClosed]
// after Close, and with [breezeway.ErrRemoved] if the value was removed, which it may
// notice up to 500 ms later. A writer that is killed after it has published a value and
// before it has woken the waiters delays them by as much.
//
// A process that has opened the value with Config.ReadOnly can't announce that it
// waits: it looks after 1 ms and then at growing intervals of up to 50 ms. So does, on
// Linux, a process that may not call membarrier(2).
func (l *Latest[T]) Wait(ctx context.Context, after uint64) (v T, version uint64, err error) {
	if l.isZero() {
		return v, 0, l.fail(breezeway.OpWait, errNoLatest)
	}
	for {
		version, err = l.loadSlowly(&v)
		if err != nil || version > after {
			return v, version, err
		}
		if err := l.waitForChange(ctx, version); err != nil {
			setZero(&v)
			return v, 0, l.fail(breezeway.OpWait, err)
		}
	}
}

// waitForChange returns when the version is another than seen. Its waiters are
// interchangeable, as package wait demands of the waiters at one gate: where one finds
// no change none does. Waiters for different versions would not be.
func (l *Latest[T]) waitForChange(ctx context.Context, seen uint64) error {
	if l.gate == nil || barrier.InAll() != nil {
		return l.poll(ctx, seen)
	}
	return l.o.Borrow(func([]byte) error {
		announced := false
		return l.gate.Wait(ctx, func(check bool) (bool, error) {
			if l.head.published.Load() != seen {
				return true, nil
			}
			if check {
				announced = true // the first look after that is one with check
				if err := l.checkRemoved(); err != nil {
					return false, err
				}
			}
			if !announced {
				return false, nil
			}
			return l.changedForAnnounced(seen)
		})
	})
}

// changedForAnnounced is the look of a waiter that has announced itself at the gate:
// either it finds what a writer has published, or that writer finds the announcement.
// See LatestWriter.publish.
func (l *Latest[T]) changedForAnnounced(seen uint64) (bool, error) {
	if err := barrier.InAll(); err != nil {
		return false, err
	}
	return l.head.published.Load() != seen, nil
}

// poll is waitForChange of a waiter that can't announce itself.
func (l *Latest[T]) poll(ctx context.Context, seen uint64) error {
	const shortest, longest = time.Millisecond, 50 * time.Millisecond
	timer := time.NewTimer(shortest)
	defer timer.Stop()
	for pause := shortest; ; timer.Reset(pause) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-l.ended:
			return os.ErrClosed
		case <-timer.C:
		}
		changed := false
		err := l.o.Borrow(func([]byte) error {
			changed = l.head.published.Load() != seen
			return nil
		})
		if changed || err != nil {
			return err
		}
		if err := l.checkRemoved(); err != nil {
			return err
		}
		pause = min(2*pause, longest)
	}
}
