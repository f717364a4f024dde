//go:build unix

package shmnet

import (
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway"
)

// pipeName returns where the named pipe is that connections are set up over. It lies
// beside those of package pipe, under a name that none of them has.
func pipeName(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	return filepath.Join(os.TempDir(), prefix+name), breezeway.CheckName(name)
}
