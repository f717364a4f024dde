//go:build unix

package ipctest

import (
	"os"
	"path/filepath"
)

const tmpVariable = "TMPDIR"

// openHandles lists the descriptors of this process and what they are.
func openHandles() (open []string) {
	fds, _ := filepath.Glob("/dev/fd/*")
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil {
			open = append(open, filepath.Base(fd)+" "+target)
		}
	}
	return open
}
