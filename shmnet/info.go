package shmnet

import (
	"slices"
	"strings"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// List returns what is known of the names at which servers of this package listen, in the
// order of the names. It connects to none, so that no server notices. On Unix it lists
// plain names, and no paths. The errors are those of [pipe.List].
func List() ([]pipe.Info, error) {
	all, err := list()
	if err != nil {
		return nil, wrap(breezeway.OpList, "", err)
	}
	slices.SortFunc(all, func(a, b pipe.Info) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Stat returns what is known of the server at name, as [pipe.Stat] does of a named pipe,
// and fails as that does. Whether a foreign server listens there can't be told without
// connecting to it.
func Stat(name string) (pipe.Info, error) {
	at, err := pipeName(name)
	if err != nil {
		return pipe.Info{}, wrap(breezeway.OpStat, name, err)
	}
	info, err := pipe.Stat(at)
	info.Name = name
	return info, wrap(breezeway.OpStat, name, err)
}
