package robust

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/mmap"
)

func (l Layout) remove(path string, anyFile bool, a access.Rule) error {
	f, err := object.Open(path, a, false)
	if errors.Is(err, fs.ErrPermission) && !anyFile {
		return object.Remove(path)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if anyFile {
		if err := l.checkKind(f); err != nil {
			return err
		}
	}
	if err := object.MayUnlink(f); err != nil {
		return err
	}
	marked, err := l.mark(f)
	if err != nil && !errors.Is(err, breezeway.ErrMismatch) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	unlinked, err := object.Unlink(f)
	if err == nil && !unlinked && !marked {
		err = &fail.AbsentError{Path: path} // another process was faster
	}
	return err
}

// mark marks the object in a file, if a program of this layout can read it. It reports
// whether this call did, and no earlier one.
func (l Layout) mark(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	h, err := layout.Read(f, info.Size())
	if err == nil {
		err = l.header().Accept(h, true)
	}
	if err == nil {
		l, err = l.found(h)
	}
	if err != nil {
		return false, err
	}
	m, err := mmap.Map(f, &mmap.Config{Length: h.Total()})
	if err != nil {
		return false, err
	}
	marked, err := l.markIn(m, int(h.Size()))
	return marked, errors.Join(err, m.Close())
}

// markIn marks the object whose head is at start, and wakes all waiters.
func (l Layout) markIn(m *mmap.Mapping, start int) (marked bool, err error) {
	word, err := mmap.View[atomic.Uint64](m, start)
	if err != nil {
		return false, err
	}
	err = m.Borrow(func([]byte) error {
		marked = word.Or(l.Removed)&l.Removed == 0
		killpoint.Here("object marked")
		var gates []int
		for _, at := range l.Gates {
			gates = append(gates, start+at)
		}
		return wakeGates(m, gates)
	})
	return marked, err
}

// takeAway removes an object that this process has created and could not prepare. Another
// process may have opened it.
func (o *Object) takeAway() error {
	_, err := o.layout.markIn(o.mapping, o.start)
	return errors.Join(err, o.RemoveName())
}
