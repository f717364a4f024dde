package cli

import (
	"fmt"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// pipeState is the state of a named pipe.
type pipeState struct{ pipe.Info }

// pipeStat is its JSON. A number that can't be told is left out.
type pipeStat struct {
	statHeader
	Address     string `json:"address"`
	Owner       string `json:"owner,omitempty"`
	Mode        string `json:"mode,omitempty"`
	Stale       bool   `json:"stale"`
	PIDs        []int  `json:"pids,omitempty"`
	Waiting     *int   `json:"waiting,omitempty"`
	Connections *int   `json:"connections,omitempty"`
}

func statPipe(t target, _ accessRule) (state, error) {
	info, err := pipe.Stat(t.name)
	if err != nil {
		return nil, err
	}
	return pipeState{info}, nil
}

func listPipes(start string) (names []string, err error) {
	if filepath.IsAbs(start) {
		return nil, usagef("named pipes at paths can't be listed; look at one by: ipc stat pipe://%s", start)
	}
	all, err := pipe.List()
	for _, i := range all {
		names = append(names, i.Name)
	}
	return names, err
}

func (s pipeState) mode() string {
	if s.Owner == "" {
		return "" // Windows has no modes
	}
	return fmt.Sprintf("%04o", s.Mode)
}

func (s pipeState) json(header statHeader) any {
	told := func(n int) *int {
		if n < 0 {
			return nil
		}
		return &n
	}
	return pipeStat{header, s.Path, s.Owner, s.mode(), s.Stale, s.PIDs, told(s.Waiting), told(s.Connections)}
}

func (s pipeState) state() string {
	switch {
	case s.Stale:
		return "stale"
	case s.Connections >= 0:
		return fmt.Sprint(s.Connections, " connected")
	}
	return "served"
}

func (s pipeState) summary() summary {
	return summary{owner: s.Owner, mode: s.mode(), state: s.state(), waiting: s.Waiting, pids: s.PIDs}
}

func (s pipeState) table() string {
	return table([][]string{
		{"owner", "mode", "state", "waiting", "pids", "address"},
		{orDash(s.Owner), orDash(s.mode()), s.state(), numberOrDash(int64(s.Waiting)), pidsOrDash(s.PIDs), printable(s.Path, "")},
	})
}
