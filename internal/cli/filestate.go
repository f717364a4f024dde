package cli

import (
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// fileState describes the file at a path, which is not opened.
func fileState(t target, columns ...string) (*state, os.FileInfo, error) {
	path, err := resolve(t.path())
	if err != nil {
		return nil, nil, err
	}
	i, err := object.Stat(path, path)
	var file os.FileInfo
	if err == nil {
		file, err = os.Lstat(path)
	}
	if err != nil {
		return nil, nil, fail.With(breezeway.OpStat, t.scheme, path, err)
	}
	s := &state{Size: told(i.Size), Modified: &i.Modified, columns: columns}
	s.setRights(i.Owner, i.Mode, "")
	return s, file, nil
}

func statMappedFile(t target, _ accessRule) (*state, error) {
	s, file, err := fileState(t, "size", "owner", "mode", "state", "open", "modified", "processes")
	if err != nil {
		return nil, err
	}
	pids, all := sys.ReadOpenFiles("/").Users(file)
	open := -1
	if all {
		open = len(pids)
	}
	s.Open, s.openMin = told(open), len(pids)
	s.setProcesses(pids, open)
	return s, nil
}

func statFileLock(t target, _ accessRule) (*state, error) {
	s, file, err := fileState(t, "state", "owner", "mode", "holders", "waiters", "processes")
	if err != nil {
		return nil, err
	}
	locks, err := sys.ReadFileLocks(file)
	if err != nil {
		return s, nil // what isn't known is shown as such
	}
	holders := locks.Exclusive + locks.Shared
	s.State = "free"
	switch {
	case locks.Exclusive > 0:
		s.State = "locked"
	case locks.Shared > 0:
		s.State = "locked, shared"
	}
	s.Holders, s.Waiters = &holders, &locks.Waiting
	s.setProcesses(locks.PIDs, holders)
	return s, nil
}
