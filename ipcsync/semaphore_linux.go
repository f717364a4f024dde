package ipcsync

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/wait"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// semaphorePath returns the path that glibc's sem_open uses.
func semaphorePath(name string) string { return filepath.Join(object.Directory, "sem."+name) }

func pathOfSemaphore(name string) (string, error) { return semaphorePath(name), nil }

func newSemaphore(mode robust.OpenMode, name string, value int, s *settings) (*Semaphore, error) {
	switch mode {
	case robust.Create:
		return createSemaphore(name, value, s)
	case robust.Open:
		return openNamedSemaphore(name, s)
	}
	return openOrCreateSemaphore(name, value, s)
}

func createSemaphore(name string, value int, s *settings) (*Semaphore, error) {
	var m *mmap.Mapping
	f, err := object.Create(semaphorePath(name), SemaphoreSize, s.access, s.fillSemaphore(value, &m))
	if err != nil {
		return nil, errors.Join(err, closeUnused(m))
	}
	return semaphoreIn(f, m, name, true, s.maxPermits(), s)
}

func openNamedSemaphore(name string, s *settings) (*Semaphore, error) {
	f, err := object.Open(semaphorePath(name), s.access, false)
	if err != nil {
		return nil, err
	}
	return attachSemaphore(f, name, s)
}

func openOrCreateSemaphore(name string, value int, s *settings) (*Semaphore, error) {
	var m *mmap.Mapping
	f, created, err := object.OpenOrCreate(semaphorePath(name), SemaphoreSize, s.access, false, s.fillSemaphore(value, &m))
	if err != nil {
		return nil, errors.Join(err, closeUnused(m))
	}
	if created {
		return semaphoreIn(f, m, name, true, s.maxPermits(), s)
	}
	closeUnused(m) // another process was faster
	sem, err := attachSemaphore(f, name, s)
	if err != nil {
		return nil, err
	}
	if err := sem.checkMax(robust.OpenOrCreate, s.Max); err != nil {
		sem.Close()
		return nil, err
	}
	return sem, nil
}

// closeUnused closes the mapping of a file that didn't get its name.
func closeUnused(m *mmap.Mapping) error {
	if m == nil {
		return nil
	}
	return m.Close()
}

// fillSemaphore writes and maps a file before it gets its name, so that a semaphore
// that can't be mapped never appears.
func (s *settings) fillSemaphore(value int, m **mmap.Mapping) func(f *os.File) error {
	return func(f *os.File) error {
		closeUnused(*m) // of an attempt that was too late
		image, err := semaphoreImage(value, s.maxPermits())
		if err == nil {
			_, err = f.WriteAt(image, 0)
		}
		if err == nil {
			*m, err = mmap.Map(f, nil)
		}
		return err
	}
}

// attachSemaphore maps a file that exists, if it is a semaphore.
func attachSemaphore(f *os.File, name string, s *settings) (*Semaphore, error) {
	most, err := checkSemaphoreFile(f)
	var m *mmap.Mapping
	if err == nil {
		m, err = mmap.Map(f, &mmap.Config{Length: SemaphoreSize})
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return semaphoreIn(f, m, name, false, most, s)
}

func checkSemaphoreFile(f *os.File) (most int, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() != SemaphoreSize {
		return 0, fmt.Errorf("it has %d bytes, a semaphore of a 64-bit glibc has %d: it is that of a 32-bit program or another C library, or another kind of object (%w)",
			info.Size(), SemaphoreSize, breezeway.ErrMismatch)
	}
	var image [SemaphoreSize]byte
	if _, err := f.ReadAt(image[:], 0); err != nil {
		return 0, err
	}
	return checkSemaphoreImage(image[:])
}

// semaphoreFile is a semaphore that is identified by its inode.
type semaphoreFile struct {
	*semaphoreWords
	id uint64 // the inode: while the file is open no other file has it
}

// semaphoreIn returns the Semaphore in a file and its mapping, which belong to it from
// now on.
func semaphoreIn(f *os.File, m *mmap.Mapping, name string, created bool, most int, s *settings) (*Semaphore, error) {
	info, err := f.Stat()
	var w *semaphoreWords
	if err == nil {
		w, err = newSemaphoreWords(f, m, most, wait.Name{}, func() error { return robust.CheckRemoved(f) })
	}
	if err != nil {
		return nil, errors.Join(err, m.Close(), f.Close())
	}
	sem := &Semaphore{name: name, created: created, max: most, permits: semaphoreFile{w, inode(info)}}
	if !object.CanFault(f, int64(m.Len()), s.access) {
		sem.direct = w
	}
	return sem, nil
}

func inode(info fs.FileInfo) uint64 { return info.Sys().(*syscall.Stat_t).Ino }

func removeSemaphore(name string, s *settings) error {
	err := object.Remove(semaphorePath(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// A table may be left whose semaphore was removed by another program.
	if left := removeTable(name, s); !errors.Is(left, fs.ErrNotExist) {
		return left
	}
	return err
}

func listSemaphores() ([]string, error) {
	found, err := object.ListFiles(object.Directory, func(file string) (name string, ok bool) {
		name, ok = strings.CutPrefix(file, "sem.")
		return name, ok && breezeway.CheckName(name) == nil
	})
	return robust.Names(found), err
}
