package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/shm"
)

// exclusive is a lock that one has at a time.
type exclusive interface {
	Lock(context.Context) (Held, error)
	Close() error
}

// openExclusive opens a lock of a kind, or makes it.
func openExclusive(kind, name string) (exclusive, error) {
	switch kind {
	case "mutex":
		return OpenOrCreateMutex(name, nil)
	case "file":
		return OpenFileLock(filepath.Join(os.TempDir(), name), nil)
	case "semaphore":
		s, err := OpenOrCreateSemaphore(name+".0", 1, nil)
		return permitLock{s}, err
	case "permit":
		s, err := OpenOrCreateSemaphore(name+".1", 1, tracking)
		return permitLock{s}, err
	case "permits":
		s, err := OpenOrCreateSemaphore(name+".3", 3, tracking)
		return permitLock{s}, err
	case "rwmutex":
		return OpenOrCreateRWMutex(name, nil)
	}
	return nil, fmt.Errorf("no kind %q", kind)
}

// permitLock is a semaphore as a lock, which doesn't tell of deaths.
type permitLock struct{ *Semaphore }

func (l permitLock) Lock(ctx context.Context) (Held, error) {
	err := l.Acquire(ctx)
	return Held{l, 0}, err
}

func (l permitLock) Unlock(uint64) error {
	_, err := l.Release(1)
	return err
}

func (l permitLock) MarkConsistent(uint64) error { return nil }

func removeExclusive(t testing.TB, kind, name string) {
	t.Helper()
	var err error
	switch kind {
	case "mutex":
		err = Remove(KindMutex, name, nil)
	case "rwmutex":
		err = Remove(KindRWMutex, name, nil)
	case "file":
		err = os.Remove(filepath.Join(os.TempDir(), name))
	case "semaphore":
		err = Remove(KindSemaphore, name+".0", nil)
	case "permit":
		err = Remove(KindSemaphore, name+".1", nil)
	case "permits":
		err = Remove(KindSemaphore, name+".3", nil)
	}
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

// turns takes the lock n times, to count.
func turns(m exclusive, count *int64, n int) error {
	for range n {
		h, err := m.Lock(context.Background())
		if err != nil {
			return err
		}
		*count++
		if err := h.Unlock(); err != nil {
			return err
		}
	}
	return nil
}

// turnsOf takes the lock until n times it was this one's turn at the count.
func turnsOf(m exclusive, count *int64, n int, mine func(count int64) bool) error {
	for n > 0 {
		h, err := m.Lock(context.Background())
		if err != nil {
			return err
		}
		if mine(*count) {
			*count++
			n--
		}
		if err := h.Unlock(); err != nil {
			return err
		}
	}
	return nil
}

func odd(count int64) bool { return count%2 != 0 }

// openShared opens a value that processes share.
func openShared[T any](name string) (value *T, close func() error, err error) {
	seg, err := shm.Open(name, nil)
	if err != nil {
		return nil, nil, err
	}
	if value, err = mmap.View[T](seg.Mapping, 0); err != nil {
		seg.Close()
		return nil, nil, err
	}
	return value, seg.Close, nil
}

// newShared makes a value that processes share, in a segment of its own.
func newShared[T any](t testing.TB) (seg *shm.Segment, value *T) {
	t.Helper()
	seg, err := shm.Create(ipctest.UniqueName(), int64(max(64, unsafe.Sizeof(*new(T)))), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		seg.Close()
		if err := shm.Remove(shm.KindSegment, seg.Name(), nil); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
	})
	if value, err = mmap.View[T](seg.Mapping, 0); err != nil {
		t.Fatal(err)
	}
	return seg, value
}

// rival contends for the lock Args[1] of the kind Args[0], as often as it hears,
// and counts in the segment Args[2]; with Args[3] only what is odd.
var rival = ipctest.Helper("rival", func(c *ipctest.Control) error {
	m, err := openExclusive(c.Args[0], c.Args[1])
	if err != nil {
		return err
	}
	defer m.Close()
	count, closeShared, err := openShared[int64](c.Args[2])
	if err != nil {
		return err
	}
	defer closeShared()
	c.Say("ready")
	for {
		n, err := strconv.Atoi(c.Hear())
		if err != nil {
			return nil
		}
		if len(c.Args) > 3 {
			err = turnsOf(m, count, n, odd)
		} else {
			err = turns(m, count, n)
		}
		if err != nil {
			return err
		}
		c.Say("done")
	}
})

// Two processes count together. The counter is not atomic: only the lock makes the
// total right.
func TestContention(t *testing.T) {
	for _, kind := range []string{"mutex", "rwmutex", "semaphore", "permit", "file"} {
		t.Run(kind, func(t *testing.T) {
			name, n := ipctest.UniqueName(), ipctest.Count(500_000)
			seg, count := newShared[int64](t)
			m, err := openExclusive(kind, name)
			if err != nil {
				t.Fatal(err)
			}
			defer removeExclusive(t, kind, name)
			defer m.Close()
			p := ipctest.Start(t, rival, kind, name, seg.Name())
			p.Expect("ready")
			p.Say(strconv.Itoa(n))
			if err := turns(m, count, n); err != nil {
				t.Fatal(err)
			}
			p.Expect("done")
			if *count != int64(2*n) {
				t.Errorf("counted %d, want %d", *count, 2*n)
			}
			p.Say("end")
			p.Wait()
		})
	}
}
