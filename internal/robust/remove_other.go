//go:build !linux

package robust

import (
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/object"
)

func (l Layout) remove(path string, _ access.Rule) error { return object.Remove(path) }

// takeAway removes an object that this process has created and could not prepare.
func (o *Object) takeAway() error { return o.RemoveName() }
