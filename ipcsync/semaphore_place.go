package ipcsync

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/wait"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// SemaphoreSize is how many bytes a semaphore takes in a [Place].
const SemaphoreSize = semaphoreSize

// CreateSemaphoreAt makes a semaphore of [SemaphoreSize] bytes in memory that the
// caller shares, with value permits. On Linux it is what sem_init gives in C with
// pshared. It fails with [os.ErrExist] if the bytes there are not zero, and as
// [CreateSemaphore] does; Config.Track is for named ones.
func CreateSemaphoreAt(p Place, value int, cfg *Config) (*Semaphore, error) {
	return semaphoreAt(create, p, cfg, func(s *settings, m *mmap.Mapping) (int, error) {
		if err := s.checkPermits(value); err != nil {
			return 0, err
		}
		image, err := semaphoreImage(value, s.maxPermits())
		if err != nil {
			return 0, err
		}
		// The word with the flag is stored last: until then it is none.
		flag, err := mmap.View[atomic.Uint64](m, 8)
		if err != nil {
			return 0, err
		}
		return s.maxPermits(), m.Borrow(func(b []byte) error {
			if flag.Load() != 0 || !bytes.Equal(b, make([]byte, SemaphoreSize)) {
				return errOccupied
			}
			copy(b, image[:8])
			copy(b[16:], image[16:])
			flag.Store(sharedFlag)
			return nil
		})
	})
}

// OpenSemaphoreAt opens the semaphore that was created in a place, also by
// sem_init in C. It fails with [breezeway.ErrMismatch] if there is none.
func OpenSemaphoreAt(p Place, cfg *Config) (*Semaphore, error) {
	return semaphoreAt(open, p, cfg, func(_ *settings, m *mmap.Mapping) (int, error) {
		var image [SemaphoreSize]byte
		if _, err := m.ReadAt(image[:], 0); err != nil {
			return 0, err
		}
		return checkSemaphoreImage(image[:])
	})
}

func semaphoreAt(h how, p Place, cfg *Config, come func(*settings, *mmap.Mapping) (most int, err error)) (*Semaphore, error) {
	s, err := cfg.settings()
	if err == nil && s.Track {
		err = fmt.Errorf("Config.Track is for named semaphores (%w)", errors.ErrUnsupported)
	}
	var f *os.File
	var m *mmap.Mapping
	if err == nil {
		f, m, err = p.mapped(SemaphoreSize)
	}
	if err != nil {
		return nil, failed(semaphoreKind, h.String(), p.String(), err)
	}
	free := func() error { return errors.Join(m.Close(), f.Close()) }
	most, err := come(&s, m)
	var name string
	if err == nil {
		name, err = wait.EventName(f, p.Offset)
	}
	var w *semaphoreWords
	if err == nil {
		notRemoved := func() error { return nil } // it has no name of its own
		w, err = newSemaphoreWords(m, 0, most, wait.Name{Word: name, Access: s.access}, notRemoved, free)
	}
	if err != nil {
		free()
		return nil, failed(semaphoreKind, h.String(), p.String(), err)
	}
	w.word.WatchFile(f)
	sem := &Semaphore{name: p.String(), created: h == create, max: most, permits: w}
	if m.Fixed() && runtime.GOOS != "windows" {
		sem.direct = w
	}
	return sem, nil
}
