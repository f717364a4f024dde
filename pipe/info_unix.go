//go:build unix

package pipe

import "github.com/breezeway-ipc/breezeway/internal/local"

func list() (all []Info, err error) {
	sockets, err := local.List(socketPrefix)
	for _, s := range sockets {
		all = append(all, Info(s))
	}
	return all, err
}

func stat(path string) (Info, error) {
	s, err := local.Stat(path)
	return Info(s), err
}
