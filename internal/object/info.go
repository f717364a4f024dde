package object

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Info describes a file that stands for an object.
type Info struct {
	Name     string // of the object
	Size     int64  // of the file, in bytes
	Owner    string // uid, or on Windows SID; "" if it can't be learned
	Mode     fs.FileMode
	Modified time.Time
}

// Stat describes the file path, which stands for the object name. It fails with
// [fs.ErrNotExist] if there is none, and with [breezeway.ErrMismatch] if it is no
// regular file. It doesn't look into the file.
func Stat(path, name string) (Info, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return Info{}, fail.Bare(err)
	}
	if err := checkRegular(info); err != nil {
		return Info{}, err
	}
	return Info{name, info.Size(), owner(path, info), info.Mode().Perm(), info.ModTime()}, nil
}

// List describes our own objects of a kind, of any layout, sorted by file name. It
// leaves out what is not a regular file, and files whose names no object can have.
func List(kind string, scope breezeway.Scope) ([]Info, error) {
	dir, err := directory(scope)
	if err != nil {
		return nil, err
	}
	return ListFiles(dir, func(file string) (name string, ok bool) { return objectName(kind, file) })
}

// ListFiles describes the regular files of a directory for which object returns the
// name of an object, sorted by file name.
func ListFiles(dir string, object func(file string) (name string, ok bool)) ([]Info, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, explainDirectory(dir, fail.Bare(err))
	}
	var infos []Info
	for _, e := range entries {
		name, ok := object(e.Name())
		if !ok {
			continue
		}
		if info, err := Stat(filepath.Join(dir, e.Name()), name); err == nil { // or it was removed meanwhile
			infos = append(infos, info)
		}
	}
	return infos, nil
}
