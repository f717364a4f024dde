package ipcsync

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
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
	return semaphoreAt(create, p, cfg, func(s *settings) (int, error) {
		if err := s.checkPermits(value); err != nil {
			return 0, err
		}
		image, err := semaphoreImage(value, s.maxPermits())
		if err != nil {
			return 0, err
		}
		// The word with the flag is stored last: until then it is none.
		flag, err := mmap.View[atomic.Uint64](p.Mapping, p.Offset+8)
		if err != nil {
			return 0, err
		}
		return s.maxPermits(), p.Mapping.Borrow(func(b []byte) error {
			at := b[p.Offset:][:SemaphoreSize]
			if flag.Load() != 0 || !bytes.Equal(at, make([]byte, SemaphoreSize)) {
				return fmt.Errorf("there is something at offset %d already, which is not zero (%w)", p.Offset, fs.ErrExist)
			}
			copy(at, image[:8])
			copy(at[16:], image[16:])
			flag.Store(sharedFlag)
			return nil
		})
	})
}

// OpenSemaphoreAt opens the semaphore that was created in a place, also by
// sem_init in C. It fails with [breezeway.ErrMismatch] if there is none.
func OpenSemaphoreAt(p Place, cfg *Config) (*Semaphore, error) {
	return semaphoreAt(open, p, cfg, func(*settings) (int, error) {
		var image [SemaphoreSize]byte
		if _, err := p.Mapping.ReadAt(image[:], int64(p.Offset)); err != nil {
			return 0, err
		}
		return checkSemaphoreImage(image[:])
	})
}

func semaphoreAt(h how, p Place, cfg *Config, come func(*settings) (most int, err error)) (*Semaphore, error) {
	s, err := cfg.settings()
	if err == nil && s.Track {
		err = fmt.Errorf("Config.Track is for named semaphores (%w)", errors.ErrUnsupported)
	}
	if err == nil {
		err = p.check(SemaphoreSize)
	}
	var most int
	if err == nil {
		most, err = come(&s)
	}
	var w *semaphoreWords
	if err == nil {
		w, err = p.semaphoreWords(most, &s)
	}
	if err != nil {
		name := ""
		if p.Mapping != nil {
			name = p.String()
		}
		return nil, failed(semaphoreKind, h.String(), name, err)
	}
	sem := &Semaphore{name: p.String(), created: h == create, max: most, permits: w}
	if p.Mapping.Fixed() && runtime.GOOS != "windows" {
		sem.direct = w
	}
	return sem, nil
}

func (p Place) semaphoreWords(most int, s *settings) (*semaphoreWords, error) {
	name, err := wait.FileName(p.File, p.Mapping.Offset()+int64(p.Offset))
	if err != nil {
		return nil, err
	}
	nothing := func() error { return nil }
	return newSemaphoreWords(p.Mapping, p.Offset, most, wait.Name{Word: name, Access: s.access}, nothing, nothing)
}
