//go:build unix

package pipe

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/local"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// socket is a listening Unix socket.
type socket struct {
	inode              string
	waiting, connected int
}

func list() (all []Info, err error) {
	files, err := os.ReadDir(os.TempDir())
	if err != nil {
		return nil, err
	}
	sockets := listening()
	for _, f := range files {
		name, ok := strings.CutPrefix(f.Name(), socketPrefix)
		if !ok || f.Type() != fs.ModeSocket || breezeway.CheckName(name) != nil {
			continue
		}
		info, err := inspect(filepath.Join(os.TempDir(), f.Name()), sockets)
		if err != nil {
			continue // it is gone by now
		}
		info.Name = name
		all = append(all, info)
	}
	return all, nil
}

func stat(path string) (Info, error) { return inspect(path, listening()) }

// inspect looks at the socket at path. sockets are the machine's.
func inspect(path string, sockets map[socketFile]socket) (Info, error) {
	file, err := os.Lstat(path)
	if err != nil {
		return Info{}, fmt.Errorf("no such named pipe (%w)", err.(*fs.PathError).Err)
	}
	if file.Mode().Type() != fs.ModeSocket {
		return Info{}, fmt.Errorf("%s is no socket (%w)", path, breezeway.ErrMismatch)
	}
	i := Info{Path: path, Mode: file.Mode().Perm(), Waiting: -1, Connections: -1}
	if st, ok := file.Sys().(*syscall.Stat_t); ok {
		i.Owner = strconv.Itoa(int(st.Uid))
	}
	if s, ok := sockets[fileOf(file)]; ok {
		i.PIDs, i.Waiting, i.Connections = sys.Openers("socket:["+s.inode+"]"), s.waiting, s.connected
		return i, nil
	}
	// Its server may be in another network namespace.
	live, err := local.IsLive(path)
	i.Stale = err == nil && !live
	return i, nil
}
