package cli

import "github.com/breezeway-ipc/breezeway/shm"

// statMemory makes stat of a row.
func statMemory(kind shm.Kind) func(target, accessRule) (*state, error) {
	return func(t target, _ accessRule) (*state, error) {
		info, err := shm.Stat(kind, t.name, nil)
		if err != nil {
			return nil, err
		}
		return memoryState(kind, info), nil
	}
}

// listMemory makes list of a row.
func listMemory(kind shm.Kind) func(string) ([]found, error) {
	return func(string) (all []found, err error) {
		infos, err := shm.List(kind, nil)
		for _, i := range infos {
			all = append(all, found{i.Name, memoryState(kind, i)})
		}
		return all, err
	}
}

func memoryState(kind shm.Kind, i shm.Info) *state {
	s := &state{
		Size:    told(i.Size),
		columns: []string{"size", "owner", "mode", "state", "open", "modified", "processes"},
	}
	if kind == shm.KindLatest {
		s.columns = append(s.columns, "waiters") // which readers don't tell
	}
	if !i.Modified.IsZero() {
		s.Modified = &i.Modified
	}
	s.setRights(i.Owner, i.Mode, i.SDDL)
	s.setProcesses(i.PIDs, i.Open)
	s.setOpen(i.Open)
	s.openMin = len(i.PIDs)
	return s
}
