package shm

import (
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// findOpeners sets which processes have memory open.
func (k Kind) findOpeners(infos []Info, s *settings) {
	if len(infos) == 0 {
		return
	}
	open := sys.ReadOpenFiles(object.Directory + "/")
	for n := range infos {
		i := &infos[n]
		path := filepath.Join(object.Directory, i.Name)
		if k != KindSegment {
			path, _ = object.Path(string(k), i.Name, s.Scope) // it has been found
		}
		i.Open = -1
		file, err := os.Lstat(path)
		if err != nil {
			continue // it is gone by now
		}
		pids, all := open.Users(file)
		i.PIDs = pids
		if all {
			i.Open = len(pids)
		}
	}
}
