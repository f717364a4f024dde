package cli

import (
	"path/filepath"

	"github.com/breezeway-ipc/breezeway/pipe"
)

func statFIFO(t target, _ accessRule) (*state, error) {
	path, err := resolve(t.path())
	if err != nil {
		return nil, err
	}
	info, err := pipe.StatFIFO(path)
	if err != nil {
		return nil, err
	}
	return fifoState(info), nil
}

// listFIFOs lists a directory.
func listFIFOs(dir string) ([]found, error) {
	if !filepath.IsAbs(dir) {
		return nil, usagef("FIFOs are listed by directory: fifo:///tmp")
	}
	infos, err := pipe.ListFIFOs(dir)
	var all []found
	for _, i := range infos {
		all = append(all, found{i.Path, fifoState(i)})
	}
	return all, err
}

func fifoState(i pipe.FIFOInfo) *state {
	s := &state{columns: []string{"owner", "mode", "state", "open", "waiters", "processes"}}
	s.setRights(i.Owner, i.Mode, "")
	s.setProcesses(i.PIDs, i.Open)
	s.setOpen(i.Open)
	s.openMin = len(i.PIDs)
	return s
}
