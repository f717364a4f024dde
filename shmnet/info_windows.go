package shmnet

import (
	"strings"

	"github.com/breezeway-ipc/breezeway/pipe"
)

func list() (all []pipe.Info, err error) {
	pipes, err := pipe.List()
	for _, info := range pipes {
		if name, ok := strings.CutPrefix(info.Name, prefix); ok {
			info.Name = name
			all = append(all, info)
		}
	}
	return all, err
}
