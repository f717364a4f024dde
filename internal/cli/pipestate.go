package cli

import (
	"path/filepath"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// statServed returns how the name of a server is looked at.
func statServed(stat func(name string) (pipe.Info, error)) func(target, accessRule) (*state, error) {
	return func(t target, _ accessRule) (*state, error) {
		info, err := stat(t.name)
		if err != nil {
			return nil, err
		}
		return pipeState(info), nil
	}
}

// listServed returns how the names of the servers of a scheme are listed.
func listServed(scheme string, list func() ([]pipe.Info, error)) func(start string) ([]found, error) {
	return func(start string) (all []found, err error) {
		if filepath.IsAbs(start) {
			return nil, usagef("%s:// lists plain names, and no paths; look at one by: ipc stat %[1]s://%s", scheme, start)
		}
		infos, err := list()
		for _, i := range infos {
			all = append(all, found{i.Name, pipeState(i)})
		}
		return all, err
	}
}

func pipeState(i pipe.Info) *state {
	s := &state{
		Address:     i.Path,
		Waiters:     told(i.Waiters),
		Connections: told(i.Connections),
		columns:     []string{"owner", "mode", "state", "connections", "waiters", "processes", "address"},
	}
	s.setRights(i.Owner, i.Mode, "")
	s.setProcesses(i.PIDs, len(i.PIDs))
	switch {
	case i.Stale:
		s.State, s.Stale = "stale", &i.Stale
	case i.Served:
		s.State, s.Stale = "served", &i.Stale
	}
	s.more = !i.Stale && len(i.PIDs) == 0
	return s
}
