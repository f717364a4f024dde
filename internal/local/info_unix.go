//go:build unix

package local

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// Info is what can be learned of the server at a socket without connecting to it:
// [github.com/breezeway-ipc/breezeway/pipe.Info].
type Info struct {
	Name  string
	Path  string
	Owner string
	Mode  fs.FileMode

	Served, Stale bool
	PIDs          []int
	Waiters       int
	Connections   int
}

// listeningSocket is a listening Unix socket.
type listeningSocket struct {
	inode              string
	waiters, connected int
}

// List returns what is known of the sockets in the directory of temporary files whose
// names are portable ones behind prefix. It reads the system's tables once.
func List(prefix string) (all []Info, err error) {
	files, err := os.ReadDir(os.TempDir())
	if err != nil {
		return nil, err
	}
	sockets, open := listeningSockets(), sys.ReadOpenFiles(socketLink)
	for _, f := range files {
		name, ok := strings.CutPrefix(f.Name(), prefix)
		if !ok || f.Type() != fs.ModeSocket || breezeway.CheckName(name) != nil {
			continue
		}
		info, err := inspect(filepath.Join(os.TempDir(), f.Name()), sockets, open)
		if err != nil {
			continue // it is gone by now
		}
		info.Name = name
		all = append(all, info)
	}
	return all, nil
}

// Stat returns what is known of the server at path.
func Stat(path string) (Info, error) {
	at, err := Resolve(path) // as Dial does
	if err != nil {
		return Info{}, err
	}
	info, err := inspect(at, listeningSockets(), sys.ReadOpenFiles(socketLink))
	info.Path = path
	return info, err
}

// socketLink is what the links in /proc begin with that stand for sockets.
const socketLink = "socket:["

// inspect looks at the socket at path. sockets and open are the machine's.
func inspect(path string, sockets map[socketID]listeningSocket, open sys.OpenFiles) (Info, error) {
	file, err := os.Lstat(path)
	if err != nil {
		return Info{}, fmt.Errorf("no such named pipe (%w)", err.(*fs.PathError).Err)
	}
	if file.Mode().Type() != fs.ModeSocket {
		return Info{}, fmt.Errorf("%s is no socket (%w)", path, breezeway.ErrMismatch)
	}
	i := Info{Path: path, Mode: file.Mode().Perm(), Waiters: -1, Connections: -1}
	if st, ok := file.Sys().(*syscall.Stat_t); ok {
		i.Owner = strconv.Itoa(int(st.Uid))
	}
	if s, ok := sockets[socketIDOf(file)]; ok {
		i.Served, i.Waiters, i.Connections = true, s.waiters, s.connected
		i.PIDs = open.UsersOfLink(socketLink + s.inode + "]")
		return i, nil
	}
	// Its server may be in another network namespace.
	if live, err := IsLive(path); err == nil {
		i.Served, i.Stale = live, !live
	}
	if i.Stale {
		i.Waiters, i.Connections = 0, 0
	}
	return i, nil
}
