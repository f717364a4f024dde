package ipcsync

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/wait"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// SemaphoreSize is how many bytes a semaphore takes in a [Place].
const SemaphoreSize = 32

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
	free := func() error { return errors.Join(m.Close(), f.Close()) }
	w, err := newSemaphoreWords(m, 0, most, wait.Name{Word: name, Access: s.access}, notRemoved, free)
	if err != nil {
		return nil, err
	}
	w.word.WatchFile(f)
	sem := &Semaphore{name: robust.Place(s.At).String(), created: mode == robust.Create, max: most, permits: w}
	if m.Fixed() && runtime.GOOS != "windows" {
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
