//go:build !linux

package ipctest

import (
	"os"
	"path/filepath"
)

// objectDirectory is where our own objects are files where there is no /dev/shm.
func objectDirectory() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "breezeway")
}

// leftProcesses finds none: these systems don't show the environment of a process.
func leftProcesses() []string { return nil }
