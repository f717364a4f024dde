//go:build !linux

package robust

import (
	"errors"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/object"
)

func (l Layout) remove(path string, anyFile bool, a access.Rule) error {
	if anyFile {
		f, err := object.Open(path, a, true)
		if err != nil {
			return err
		}
		err = errors.Join(l.checkKind(f), f.Close())
		if err != nil {
			return err
		}
	}
	return object.Remove(path)
}

// takeAway removes an object that this process has created and could not prepare.
func (o *Object) takeAway() error { return o.RemoveName() }
