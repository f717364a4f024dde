package ipcsync

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/wait"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// The layout of a semaphore in memory is that of a 64-bit glibc (docs/formats.md):
//
//	offset bytes
//	     0  8  permits in the low half, in the high half how many wait
//	     8  4  128: shared by processes
//	    12  4  0
//	    16  4  mark, 0 without a maximum
//	    20  4  the maximum, 0 without one
//	    24  8  0
//
// The maximum is ours: glibc clears these bytes and never looks at them again.
// SemaphoreSize is how many bytes a semaphore takes in a [Place].
const SemaphoreSize = 32

const (
	sharedFlag = 128
	maxMark    = 'B' | 'W'<<8 | 'm'<<16 | 'x'<<24

	oneWaiter = 1 << 32
)

// semaphoreImage returns the bytes of a new semaphore.
func semaphoreImage(value, most int) ([]byte, error) {
	if bits.UintSize != 64 || binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, fmt.Errorf("semaphores in memory are for 64-bit little-endian machines (%w)", errors.ErrUnsupported)
	}
	le := binary.LittleEndian
	b := make([]byte, SemaphoreSize)
	le.PutUint32(b, uint32(value))
	le.PutUint32(b[8:], sharedFlag)
	if most != maxPermits {
		le.PutUint32(b[16:], maxMark)
		le.PutUint32(b[20:], uint32(most))
	}
	return b, nil
}

// checkSemaphoreImage returns the maximum of the semaphore that b is, or an error that
// says why b is none.
func checkSemaphoreImage(b []byte) (most int, err error) {
	if _, err := semaphoreImage(0, 1); err != nil {
		return 0, err
	}
	le := binary.LittleEndian
	value, shared, mark, limit := le.Uint32(b), le.Uint32(b[8:]), le.Uint32(b[16:]), le.Uint32(b[20:])
	switch {
	case shared != sharedFlag:
		return 0, fmt.Errorf("bytes 8 to 11 hold %d, not %d: it is musl's, or another kind of object (%w)", shared, sharedFlag, breezeway.ErrMismatch)
	case value > maxPermits:
		return 0, errTooManyPermits(int(value))
	case mark == 0 && limit == 0:
		return maxPermits, nil
	case mark != maxMark || limit == 0 || limit > maxPermits:
		return 0, fmt.Errorf("bytes 16 to 23 hold %d and %d, which is no maximum: it is damaged, or another kind of object (%w)", mark, limit, breezeway.ErrMismatch)
	}
	return int(limit), nil
}

// semaphoreWords is a semaphore in shared memory.
//
// # Order of memory
//
// Permits and waiters are halves of one word, and each change is a
// compare-and-swap or an addition to the whole of it. All of these have one
// order, so that no barrier is needed between the two halves:
//
//	Release: permits += n, and see the waiters     Acquire: waiters += 1; no permit; sleep while the low half is 0
//
// If Release sees no waiter, its change came before the waiter's announcement,
// and the look after that sees the permits. If it sees one, it wakes. The kernel
// compares the low half and puts the waiter to sleep in one step with respect to
// wake-ups. If it compares after the change, the waiter stays awake, or another
// waiter has taken the permit; if before, the wake-up finds it asleep. A process that
// takes a permit has seen everything that was before the change that gave it.
//
// # Close
//
// If no other process can take the memory away, permits are taken and given without
// making Close wait. Close stores closed, and then replaces the memory by private
// zeros.
//
//   - A late Acquire finds no permit in the zeros. So a permit that was taken was the
//     semaphore's, and the Acquire succeeds even if Close has come meanwhile. (If a
//     late Release has added a permit to the zeros, it passes to the Acquire, as if
//     both had been earlier.)
//   - What a late Release adds to the zeros is lost. Therefore Release loads closed
//     afterwards, and fails if it is set: a Release that met the zeros finds it set,
//     since it was stored before.
//   - A late Release may have changed the semaphore, and then wakes at the zeros, where
//     none sleeps. Therefore Close looks at the semaphore once more. It sees every change
//     of this process, since none comes after the memory was replaced. If it finds
//     permits and waiters it wakes as many: C's waiters look for themselves never again.
type semaphoreWords struct {
	state   *atomic.Uint64 // in m
	most    int            // how many permits there can be
	word    *wait.Word     // the low half of state
	m       *mmap.Mapping
	file    *os.File     // of m
	removed func() error // fails if the semaphore has lost its name
	closed  atomic.Bool
}

// newSemaphoreWords returns the semaphore at the beginning of m, which was checked. m and
// its file f belong to it from now on, unless newSemaphoreWords fails.
func newSemaphoreWords(f *os.File, m *mmap.Mapping, most int, name wait.Name, removed func() error) (*semaphoreWords, error) {
	state, err := mmap.View[atomic.Uint64](m, 0)
	if err != nil {
		return nil, err
	}
	low, err := mmap.View[uint32](m, 0)
	if err != nil {
		return nil, err
	}
	w := &semaphoreWords{state: state, most: most, word: wait.NewWord(low, name), m: m, file: f, removed: removed}
	w.word.WatchFile(f)
	return w, nil
}

// take takes a permit by adding change, minusPermit or minusBoth, to the word.
func (w *semaphoreWords) take(change uint64) bool {
	for {
		v := w.state.Load()
		if uint32(v) == 0 {
			return false
		}
		if w.state.CompareAndSwap(v, v+change) {
			killpoint.Here("semaphore taken")
			return true
		}
	}
}

// To be added to the word.
const (
	minusPermit uint64 = 1<<64 - 1
	minusWaiter uint64 = 1<<64 - oneWaiter
	minusBoth   uint64 = 1<<64 - oneWaiter - 1
)

// give adds n permits.
func (w *semaphoreWords) give(n int) (previous int, err error) {
	for {
		v := w.state.Load()
		have := int(uint32(v))
		if n < 1 || n > w.most-have {
			return 0, refuseRelease(n, have, w.most)
		}
		if w.state.CompareAndSwap(v, v+uint64(n)) {
			killpoint.Here("semaphore given")
			if v >= oneWaiter {
				w.word.Wake(n)
			}
			return have, nil
		}
	}
}

// takeDirect is tryAcquire without protection. It fails after Close.
func (w *semaphoreWords) takeDirect() bool {
	ok := !w.closed.Load() && w.take(minusPermit)
	runtime.KeepAlive(w) // the addresses stay mapped as long as it is reachable
	return ok
}

// giveDirect is release without protection.
func (w *semaphoreWords) giveDirect(n int) (previous int, err error) {
	previous, err = w.give(n)
	if w.closed.Load() {
		return 0, os.ErrClosed
	}
	return previous, err
}

func (w *semaphoreWords) tryAcquire(time.Duration) (ok bool, err error) {
	err = w.protected(func() error {
		ok = w.take(minusPermit)
		return nil
	})
	return ok, err
}

func (w *semaphoreWords) release(n int) (previous int, err error) {
	err = w.protected(func() error {
		previous, err = w.give(n)
		return err
	})
	return previous, err
}

func (w *semaphoreWords) stats() (Stats, error) {
	var v uint64
	err := w.protected(func() error {
		v = w.state.Load()
		return nil
	})
	value := int(uint32(v))
	if err == nil && value > maxPermits {
		value, err = 0, errTooManyPermits(value)
	}
	return Stats{Value: value, Holders: -1, Waiters: int(v >> 32)}, err
}

// protected calls f with the memory protected; Close waits for it.
func (w *semaphoreWords) protected(f func() error) error {
	if w.closed.Load() {
		return os.ErrClosed
	}
	return w.m.Borrow(func([]byte) error { return f() })
}

// acquire is protected as long as it waits, so that it takes its announcement back
// before the memory goes. A process that is killed doesn't take it back: every
// release makes a system call then.
func (w *semaphoreWords) acquire(ctx context.Context, c *robust.Claim) error {
	return w.protected(func() error {
		change, announced := minusPermit, false
		defer func() {
			if announced {
				w.state.Add(minusWaiter)
			}
		}()
		take := func() (bool, error) { return w.take(change), nil }
		return w.word.Wait(ctx, func(phase wait.Phase) (old uint32, done bool, err error) {
			if phase != wait.Glance && !announced {
				w.state.Add(oneWaiter)
				change, announced = minusBoth, true
				killpoint.Here("semaphore announced")
			}
			if done, err = c.Take(take); done {
				announced = false // taken back together with the permit
			} else if err == nil && phase == wait.Check {
				err = w.removed()
			}
			return 0, done, err
		})
	})
}

func (w *semaphoreWords) close() error {
	w.closed.Store(true)
	w.word.Close()
	return errors.Join(w.m.Close(), w.wakeForLate(), w.file.Close())
}

// wakeForLate makes up for the wake-ups of releases that Close has overtaken.
func (w *semaphoreWords) wakeForLate() error {
	if runtime.GOOS == "windows" {
		return nil // there it waits for them
	}
	var b [8]byte
	if _, err := w.file.ReadAt(b[:], w.m.Offset()); err != nil {
		return nil // it was truncated
	}
	v := binary.LittleEndian.Uint64(b[:])
	if v < oneWaiter || uint32(v) == 0 {
		return nil
	}
	m, err := mmap.Map(w.file, &mmap.Config{Offset: w.m.Offset(), Length: SemaphoreSize})
	if err != nil {
		return err
	}
	low, err := mmap.View[uint32](m, 0)
	if err == nil {
		// The memory is not touched: it may have been truncated meanwhile.
		wait.NewWord(low, wait.Name{}).Wake(int(min(uint32(v), maxPermits)))
	}
	return errors.Join(err, m.Close())
}

// countIn has this process's waiters counted in a word in shared memory. It is called
// before the first acquire.
func (w *semaphoreWords) countIn(waiters *atomic.Uint32) { w.word.CountIn(waiters) }

// newSemaphoreAt creates or opens the semaphore in a place.
func newSemaphoreAt(mode robust.OpenMode, value int, s *settings) (*Semaphore, error) {
	f, m, err := robust.Place(s.At).Map(SemaphoreSize)
	if err != nil {
		return nil, err
	}
	sem, err := semaphoreMapped(mode, value, s, f, m)
	if err != nil {
		return nil, errors.Join(err, m.Close(), f.Close())
	}
	return sem, nil
}

func semaphoreMapped(mode robust.OpenMode, value int, s *settings, f *os.File, m *mmap.Mapping) (*Semaphore, error) {
	most, err := s.maxPermits(), error(nil)
	if mode == robust.Create {
		err = s.createSemaphoreIn(m, value)
	} else {
		most, err = semaphoreMaxIn(m)
	}
	if err != nil {
		return nil, err
	}
	name, err := wait.EventName(f, s.At.Offset)
	if err != nil {
		return nil, err
	}
	notRemoved := func() error { return nil } // it has no name of its own
	w, err := newSemaphoreWords(f, m, most, wait.Name{Word: name, Access: s.access}, notRemoved)
	if err != nil {
		return nil, err
	}
	sem := &Semaphore{name: robust.Place(s.At).String(), created: mode == robust.Create, max: most, permits: w}
	if m.Fixed() {
		sem.direct = w
	}
	return sem, nil
}

// createSemaphoreIn makes a semaphore in zeros. The word with the flag is stored
// last: until then there is none.
func (s *settings) createSemaphoreIn(m *mmap.Mapping, value int) error {
	image, err := semaphoreImage(value, s.maxPermits())
	if err != nil {
		return err
	}
	flag, err := mmap.View[atomic.Uint64](m, 8)
	if err != nil {
		return err
	}
	return m.Borrow(func(b []byte) error {
		if err := robust.Begin(flag, b); err != nil {
			return err
		}
		killpoint.Here("place begun")
		copy(b, image[:8])
		copy(b[16:], image[16:])
		killpoint.Here("place filled")
		flag.Store(sharedFlag)
		return nil
	})
}

func semaphoreMaxIn(m *mmap.Mapping) (int, error) {
	var image [SemaphoreSize]byte
	if _, err := m.ReadAt(image[:], 0); err != nil {
		return 0, err
	}
	if flag := binary.LittleEndian.Uint64(image[8:]); flag == robust.Unfinished || image == [SemaphoreSize]byte{} {
		return 0, fmt.Errorf("nothing was created there (%w)", fs.ErrNotExist)
	}
	return checkSemaphoreImage(image[:])
}
