package shm

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// Latest is a single value of type T that one process replaces again and again,
// while any number of processes read what was stored last. The writer never
// waits; readers never see a value of which a part is older than the rest. If the
// writer dies, in the middle of a Store even, readers keep the last complete value
// and another process takes over.
//
// T is a type that package mmap lists as one for shared memory. Four copies of it are
// kept.
//
// The file of a value that only this user may write is trusted to keep its size: if a
// process of this user truncates it, the processes that use it crash. Where Config.Mode
// or Config.Allow let other users write, that is [io.ErrUnexpectedEOF], and each Load
// and Store takes a few nanoseconds more.
//
// The value is the file bw.latest.NAME (docs/formats.md) and stays until [Remove] or,
// on Linux, the next boot. On a nil or zero Latest methods fail with [os.ErrInvalid].
type Latest[T any] struct {
	o *ours
	cell[T]
	direct bool // access needs no protection

	gate *wait.Gate // nil if this process may not write, and so can't announce a waiter

	mu      sync.Mutex // of writer
	writer  *LatestWriter[T]
	closed  atomic.Bool
	ended   chan struct{} // closed by Close
	closing sync.Once
	err     error // of Close
}

// Readers of version 1 read this layout, too. Its writers would wake no waiter.
var latestVersion = version{layout: 2, reader: 1, writer: 2}

// CreateLatest makes the latest value name; nothing is stored in it then. It fails as
// [CreateStruct] does.
func CreateLatest[T any](name string, cfg *Config) (*Latest[T], error) {
	return openLatest[T](breezeway.OpCreate, toCreate, name, cfg)
}

// OpenLatest opens the latest value name. It fails as [OpenStruct] does. With
// Config.ReadOnly this process can only Load and Wait.
func OpenLatest[T any](name string, cfg *Config) (*Latest[T], error) {
	return openLatest[T](breezeway.OpOpen, toOpen, name, cfg)
}

// OpenOrCreateLatest opens the latest value name as [OpenLatest] does or, if there is
// none, makes it as [CreateLatest] does; [Latest.Created] tells which.
func OpenOrCreateLatest[T any](name string, cfg *Config) (*Latest[T], error) {
	return openLatest[T](breezeway.OpOpenOrCreate, toOpenOrCreate, name, cfg)
}

func openLatest[T any](op string, by opener, name string, cfg *Config) (*Latest[T], error) {
	o, s, err := openOurs(by, KindLatest, name, latestVersion, reflect.TypeFor[T](), headSize+slotCount*int64(strideOf[T]()), cfg)
	if err != nil {
		return nil, KindLatest.fail(op, name, err)
	}
	l := &Latest[T]{o: o, direct: !o.CanFault, ended: make(chan struct{})}
	if err := l.prepare(&s); err != nil {
		o.Close()
		return nil, o.fail(op, err)
	}
	return l, nil
}

func (l *Latest[T]) prepare(s *settings) (err error) {
	if l.cell, err = cellIn[T](l.o.Mapping, l.o.Start); err != nil {
		return err
	}
	if !l.o.ReadOnly() {
		l.gate, err = newGate(l.o, &l.head.gate, s)
	}
	return err
}

func (l *Latest[T]) isZero() bool { return l == nil || l.o == nil }

var errNoLatest = fmt.Errorf("there is no latest value; make it with shm.CreateLatest or shm.OpenLatest (%w)", os.ErrInvalid)

func (l *Latest[T]) fail(op string, err error) error {
	if l.isZero() {
		return KindLatest.fail(op, "", errNoLatest)
	}
	return l.o.fail(op, err)
}

// Created reports whether the call that returned l made the value.
func (l *Latest[T]) Created() bool { return !l.isZero() && l.o.Created }

// Load returns the value that was stored last, and its version: the first has
// version 1, and each Store adds 1. Before the first Store the version is 0 and
// the value zero. Load allocates nothing, but Go allocates the variable of a caller
// whose T is too large for a stack.
//
// Load may be called by many goroutines. It never waits; if the writer is so much
// faster that it overtakes Load thousands of times in a row, Load gives up with
// an error. After Close it fails with [os.ErrClosed].
func (l *Latest[T]) Load() (v T, version uint64, err error) {
	if l != nil && l.direct {
		// What read does, tried once.
		n := l.head.published.Load()
		if slot := l.slots[n%slotCount]; loadsInOrder {
			v = *slot
		} else {
			copyWords(&v, slot)
		}
		if l.head.published.Load()-n <= slotCount-2 && n > 0 && !l.closed.Load() {
			return v, n, nil
		}
	}
	version, err = l.loadSlowly(&v)
	return v, version, err
}

var errOvertaken = errors.New("the value was replaced too fast to be copied, thousands of times in a row; is its writer one of ours?")

// loadSlowly is Load where there is no value yet, the writer is fast, or the
// memory might go away. It has no variable of type T, since Go allocates large ones.
func (l *Latest[T]) loadSlowly(v *T) (version uint64, err error) {
	if l.isZero() {
		return 0, l.fail(breezeway.OpLoad, errNoLatest)
	}
	err = l.o.Borrow(func([]byte) error {
		var ok bool
		if version, ok = l.read(v); !ok {
			return l.fail(breezeway.OpLoad, errOvertaken)
		}
		return nil
	})
	if err != nil {
		setZero(v)
		return 0, err
	}
	return version, nil
}

// TryWriter makes this process the writer. If another process is, or this one is
// already, it fails at once with [os.ErrExist], and if the value was removed, with
// [breezeway.ErrRemoved]. A writer that died is replaced as soon as the kernel has
// released its descriptors.
func (l *Latest[T]) TryWriter() (*LatestWriter[T], error) {
	if l.isZero() {
		return nil, l.fail(breezeway.OpWrite, errNoLatest)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w, err := l.tryWriter()
	if err != nil {
		return nil, l.fail(breezeway.OpWrite, err)
	}
	l.writer = w
	return w, nil
}

// checkRemoved returns an error if no process finds the value any more.
func (l *Latest[T]) checkRemoved() error {
	gone, err := object.IsRemoved(l.o.File)
	if err == nil && gone {
		err = fmt.Errorf("others don't find it any more; close it and open it again (%w)", breezeway.ErrRemoved)
	}
	return err
}

// Close ends this process's use of the value, its writer and its waits included. What
// was stored stays. Closing again does nothing.
func (l *Latest[T]) Close() error {
	if l.isZero() {
		return l.fail(breezeway.OpClose, errNoLatest)
	}
	l.closing.Do(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		var err error
		if l.writer != nil {
			err = l.writer.Close()
		}
		l.closed.Store(true)
		close(l.ended)
		if l.gate != nil {
			l.gate.Close()
		}
		l.err = l.fail(breezeway.OpClose, errors.Join(err, l.o.Close()))
	})
	return l.err
}
