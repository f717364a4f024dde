package robust

import (
	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/object"
)

// List returns the names of the objects of a kind, sorted.
func List(kind string, scope breezeway.Scope) ([]string, error) {
	found, err := object.List(kind, scope)
	return Names(found), err
}

// Names returns the names of objects.
func Names(found []object.Info) []string {
	names := make([]string, len(found))
	for i, o := range found {
		names[i] = o.Name
	}
	return names
}
