//go:build unix

package local

import (
	"errors"
	"io/fs"
	"os"
)

// HasName reports whether the path leads to the listener's socket, as far as this
// process can see.
func (l *Listener) HasName() bool {
	now, err := os.Lstat(l.path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	return os.SameFile(l.file, now)
}
