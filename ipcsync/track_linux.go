package ipcsync

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// await waits in the semaphore itself, whose waiters every release wakes.
func (t *tracked) await(ctx context.Context, c *robust.Claim) error {
	return t.permits.acquire(ctx, c)
}

// identify makes the object the semaphore's table, or fails with errStale if it is not,
// or one of the two was removed. A table of an earlier semaphore is removed.
//
// The order is: the table has its name, the semaphore has its name, swap. A semaphore
// that had another table has lost its name by the time this table got its own.
func (t *tracked) identify() error {
	sem := t.permits.(semaphoreFile)
	if removed, err := t.IsRemoved(); err != nil || removed {
		return cmp.Or(err, errStale)
	}
	if named, err := inodeOf(sem.file.Name()); err != nil || named != sem.id {
		t.forget()
		return cmp.Or(err, errStale)
	}
	if t.head.semaphore.CompareAndSwap(0, sem.id) || t.head.semaphore.Load() == sem.id {
		return nil
	}
	if err := t.RemoveName(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errStale
}

// removeTable removes the object beside a semaphore that has lost its name. It fails with
// fs.ErrNotExist if there is none.
func removeTable(name string, s *settings) error {
	t := &tracked{}
	cfg := s.robust()
	cfg.Observe = true
	err := t.attach(robust.Open, name, cfg, 0)
	if errors.Is(err, breezeway.ErrMismatch) || errors.Is(err, fs.ErrPermission) {
		// It is another version's, or a user's that is not trusted.
		return robust.Remove(trackFile, name, s.Scope)
	}
	if err != nil {
		return err
	}
	defer t.Section.Close()
	var of, named uint64
	err = t.Use(func() (err error) {
		t.head.semaphore.CompareAndSwap(0, abandoned)
		of = t.head.semaphore.Load()
		// After the load: if that semaphore has not the name now, it never will.
		named, err = inodeOf(semaphorePath(name))
		return err
	})
	switch {
	case err != nil:
		return err
	case of == named:
		return fs.ErrNotExist
	}
	return t.RemoveName()
}

// inodeOf returns the inode of the file that has a path, or 0 if there is none.
func inodeOf(path string) (uint64, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fail.Bare(err)
	}
	return inode(info), nil
}
