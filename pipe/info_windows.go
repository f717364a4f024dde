package pipe

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// list reads the directory that Windows has of pipes. To learn more of one would be to
// connect to it.
func list() (all []Info, err error) {
	files, err := os.ReadDir(thisMachine)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		all = append(all, Info{Name: f.Name(), Path: thisMachine + f.Name(), Waiting: -1, Connections: -1})
	}
	return all, nil
}

func stat(path string) (Info, error) {
	all, err := list()
	if err != nil {
		return Info{}, err
	}
	i := slices.IndexFunc(all, func(i Info) bool { return strings.EqualFold(i.Path, path) })
	if i < 0 {
		return Info{}, fmt.Errorf("no such named pipe (%w)", fs.ErrNotExist)
	}
	return all[i], nil
}
