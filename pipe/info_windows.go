package pipe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/windows"
)

// list reads the directory that Windows has of pipes. (os.ReadDir asks in a way that
// is for file systems.) To learn more of one would be to connect to it.
func list() (all []Info, err error) {
	pattern, err := windows.UTF16PtrFromString(thisMachine + "*")
	if err != nil {
		return nil, err
	}
	var entry windows.Win32finddata
	h, err := windows.FindFirstFile(pattern, &entry)
	if err == nil {
		defer windows.FindClose(h)
	}
	for ; err == nil; err = windows.FindNextFile(h, &entry) {
		name := windows.UTF16ToString(entry.FileName[:])
		all = append(all, Info{Name: name, Path: thisMachine + name, Served: true, Waiters: -1, Connections: -1})
	}
	switch {
	case errors.Is(err, windows.ERROR_NO_MORE_FILES), errors.Is(err, windows.ERROR_FILE_NOT_FOUND):
		return all, nil
	case errors.Is(err, windows.ERROR_BAD_DEV_TYPE), errors.Is(err, windows.ERROR_INVALID_FUNCTION), errors.Is(err, windows.ERROR_NOT_SUPPORTED):
		return nil, fmt.Errorf("this system, Wine perhaps, doesn't list its pipes (%w)", errors.ErrUnsupported)
	}
	return nil, os.NewSyscallError("FindFirstFile", err)
}

func stat(path string) (Info, error) {
	all, err := list()
	if err != nil {
		return Info{}, err
	}
	i := slices.IndexFunc(all, func(i Info) bool { return strings.EqualFold(i.Path, path) })
	if i < 0 {
		return Info{}, fmt.Errorf("no such named pipe (%w)", fs.ErrNotExist)
	}
	return all[i], nil
}
