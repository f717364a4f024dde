//go:build unix

package shmnet

import (
	"github.com/breezeway-ipc/breezeway/internal/local"
	"github.com/breezeway-ipc/breezeway/pipe"
)

func list() (all []pipe.Info, err error) {
	sockets, err := local.List(prefix)
	for _, s := range sockets {
		all = append(all, pipe.Info(s))
	}
	return all, err
}
