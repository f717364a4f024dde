//go:build unix && !linux

package local

import (
	"io/fs"
	"os"
)

// announce does nothing: waiters find the server by their own timer.
func announce(path string) {}

// Chmod sets the mode of the file. It goes by the path, so only a
// directory that others can't write to rules out that they put a link there.
func Chmod(path string, made fs.FileInfo, mode fs.FileMode) error {
	return os.Chmod(path, mode.Perm())
}
