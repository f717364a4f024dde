package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// fifoState is the state of a FIFO.
type fifoState struct {
	owner string
	mode  string
	pids  []int // processes that have it open
}

// fifoStat is its JSON.
type fifoStat struct {
	statHeader
	Owner string `json:"owner,omitempty"`
	Mode  string `json:"mode"`
	PIDs  []int  `json:"pids,omitempty"`
}

// statFIFO looks at the file alone: to open a FIFO would be seen at its other end.
func statFIFO(t target, _ accessRule) (state, error) {
	path := t.path()
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no FIFO at %s (%w)", path, fs.ErrNotExist)
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeNamedPipe:
		return nil, fmt.Errorf("%s is no FIFO (%w)", path, breezeway.ErrMismatch)
	}
	return fifoState{ownerOf(info), fmt.Sprintf("%04o", info.Mode().Perm()), sys.Openers(path)}, nil
}

// listFIFOs returns the paths of the FIFOs in a directory.
func listFIFOs(dir string) (paths []string, err error) {
	if !filepath.IsAbs(dir) {
		return nil, usagef("FIFOs are listed by directory: fifo:///tmp")
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.Type() == fs.ModeNamedPipe {
			paths = append(paths, filepath.Join(dir, f.Name()))
		}
	}
	return paths, nil
}

func (s fifoState) json(header statHeader) any { return fifoStat{header, s.owner, s.mode, s.pids} }

func (s fifoState) summary() summary {
	return summary{owner: s.owner, mode: s.mode, state: "FIFO", waiting: -1, pids: s.pids}
}

func (s fifoState) table() string {
	return table([][]string{{"owner", "mode", "pids"}, {orDash(s.owner), s.mode, pidsOrDash(s.pids)}})
}
