package robust

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// Remove removes the object of a kind and name, of any layout, without marking it.
// Processes that have it open keep it.
func Remove(kind, name string, scope breezeway.Scope) error {
	path, err := object.Path(kind, name, scope)
	if err != nil {
		return err
	}
	return object.Remove(path)
}

// Remove marks the object of the layout's kind and a name as removed, wakes its waiters,
// and removes its name. What a program of this layout can't read, and what belongs to a
// user that the rule doesn't trust, loses its name unmarked, unless that is a path: such a
// file stays. Elsewhere than on Linux
// nothing is marked: on Windows an object that is open keeps its name.
//
// # Order
//
// The mark comes first. So when a process finds the name free, no process can take the old
// object any more; one that has it keeps it until it gives it up.
//
// The process may be killed between any two steps:
//
//   - after the mark, before it has woken the waiters: these find the mark when they look
//     again by themselves;
//   - after the mark, before the name is gone: Open finds no object, and Create,
//     OpenOrCreate and Remove finish what was begun, see [Layout.open].
//
// Several processes may remove an object, or replace one that is marked. None of them
// removes what was created under the name after that: see [object.Unlink].
func (l Layout) Remove(name string, scope breezeway.Scope, a access.Rule) error {
	path, err := object.Path(l.Kind, name, scope)
	if err != nil {
		return err
	}
	return l.remove(path, filepath.IsAbs(name), a)
}

// checkKind fails unless the file that a path names is an object of l's kind, of any
// version. A name in the directory of objects says so by itself; a path may be that of any
// file, which is not to be removed.
func (l Layout) checkKind(f *os.File) error {
	h, err := layout.Read(f, math.MaxInt64)
	if err == nil && h.Kind != l.Kind {
		err = fmt.Errorf("it is of the kind %q, not %q (%w)", h.Kind, l.Kind, breezeway.ErrMismatch)
	}
	if errors.Is(err, breezeway.ErrMismatch) {
		err = fmt.Errorf("%w; it was left as it is: remove it as any other file", err)
	}
	return err
}

// open creates or opens an object. If the one with its name is marked as removed, open
// removes the name and starts over, or reports that there is no object if mode is Open.
func (l Layout) open(mode OpenMode, spec *object.Spec) (*object.Mapped, error) {
	attempt := [...]func() (*object.Mapped, error){Create: spec.Create, Open: spec.Open, OpenOrCreate: spec.OpenOrCreate}[mode]
	const tries = 100 // created and removed meanwhile, by other processes
	var m *object.Mapped
	var err error
	for range tries {
		m, err = attempt()
		taken := mode == Create && errors.Is(err, fs.ErrExist)
		if taken {
			m, _ = spec.Open() // what there is
		}
		switch {
		case m == nil:
			return nil, err
		case !l.isMarked(m) && taken:
			m.Close()
			return nil, err
		case !l.isMarked(m):
			return m, nil
		case mode == Open:
			m.Close()
			return nil, &fail.AbsentError{Path: m.File.Name()}
		}
		_, unlinking := object.Unlink(m.File)
		m.Close()
		if unlinking != nil {
			return nil, unlinking
		}
	}
	return nil, fmt.Errorf("it was removed as often as it was made, %d times (%w)", tries, breezeway.ErrRemoved)
}

// isMarked reports whether an object is marked as removed. One that can't be read is not.
func (l Layout) isMarked(m *object.Mapped) bool {
	word, _ := mmap.AtomicLoad[uint64](m.Mapping, m.Start)
	return word&l.Removed != 0
}
