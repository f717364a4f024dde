package pipe

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Info is what can be learned of a named pipe without connecting to it.
type Info struct {
	Name  string      // as Listen and Dial take it
	Path  string      // where it is on this system
	Owner string      // uid; "" if it can't be learned, as on Windows
	Mode  fs.FileMode // permission bits; 0 on Windows

	// Served says that a process serves it, Stale that the processes that did died: only
	// its file is left, which the next Listen replaces. If neither is set, that can't be
	// told, as of a socket that refuses this user and whose server is not in this network
	// namespace.
	Served, Stale bool
	// PIDs are the processes that have the listening end, as far as this user may
	// see them; nil if none can be seen, as on Windows.
	PIDs []int
	// Waiters is how many clients wait to be accepted, or -1 if that can't be
	// learned.
	Waiters int
	// Connections is how many clients are connected, or -1 if that can't be learned.
	Connections int
}

// List returns what is known of the named pipes of this machine, of whatever
// program, in the order of their names. It connects to none, so that no server
// notices. On Unix it lists those with a plain name, which are sockets in one
// directory (docs/formats.md); on Windows all of them. Wine
// doesn't list its pipes: [errors.ErrUnsupported].
func List() ([]Info, error) {
	all, err := list()
	if err != nil {
		return nil, fail.With(breezeway.OpList, kindPipe, "", err)
	}
	slices.SortFunc(all, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Stat returns what is known of the named pipe name. It fails with
// [fs.ErrNotExist] if there is none, with [breezeway.ErrMismatch] if there is
// something else at its path, and with [fs.ErrPermission] if a symbolic link of the path
// is one that Dial refuses.
func Stat(name string) (Info, error) {
	path, err := pathOf(name, "")
	if err != nil {
		return Info{}, fail.With(breezeway.OpStat, kindPipe, name, err)
	}
	info, err := stat(path)
	info.Name = name
	return info, fail.With(breezeway.OpStat, kindPipe, name, err)
}
