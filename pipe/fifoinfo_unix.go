//go:build unix

package pipe

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/local"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

func listFIFOs(dir string) (all []FIFOInfo, err error) {
	at, err := local.Locate(filepath.Join(dir, "x")) // dir itself may be a link
	if err != nil {
		return nil, err
	}
	at = filepath.Dir(at)
	files, err := os.ReadDir(at)
	if err != nil {
		return nil, fail.Bare(err)
	}
	open := sys.ReadOpenFiles(at)
	for _, f := range files {
		if f.Type() != fs.ModeNamedPipe {
			continue
		}
		info, err := inspectFIFO(filepath.Join(at, f.Name()), open)
		if err != nil {
			continue // it is gone by now
		}
		info.Path = filepath.Join(dir, f.Name())
		all = append(all, info)
	}
	return all, nil
}

func statFIFO(path string) (FIFOInfo, error) {
	at, err := local.Locate(path)
	if err != nil {
		return FIFOInfo{}, err
	}
	info, err := inspectFIFO(at, sys.ReadOpenFiles(filepath.Dir(at)))
	info.Path = path
	return info, err
}

// inspectFIFO looks at the file alone. open is which files are open.
func inspectFIFO(path string, open sys.OpenFiles) (FIFOInfo, error) {
	file, err := os.Lstat(path)
	if err != nil {
		return FIFOInfo{}, fmt.Errorf("there is no FIFO (%w)", fail.Bare(err))
	}
	if file.Mode().Type() != fs.ModeNamedPipe {
		return FIFOInfo{}, fmt.Errorf("not a FIFO but %v (%w)", file.Mode(), breezeway.ErrMismatch)
	}
	info := FIFOInfo{Owner: strconv.Itoa(uidOf(file)), Mode: file.Mode().Perm(), Open: -1}
	pids, all := open.Users(file)
	info.PIDs = pids
	if all {
		info.Open = len(pids)
	}
	return info, nil
}
