//go:build !linux

package ipctest

import (
	"os"
	"path/filepath"
	"strings"
)

// objectDirectory is where our own objects are files where there is no /dev/shm.
func objectDirectory() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "breezeway")
}

// staysByDesign removes the file beside a tracked semaphore: on Windows the kernel
// takes the semaphore away with its last handle, and there is no Remove that could
// take the file.
func staysByDesign(file string) bool {
	return strings.HasPrefix(filepath.Base(file), "bw.track.") && os.Remove(file) == nil
}

// leftProcesses finds none: these systems don't show the environment of a process.
func leftProcesses() []string { return nil }
