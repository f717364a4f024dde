//go:build unix && !linux

package sys

import (
	"os"
	"syscall"
)

// Links returns how many names the open file has.
func Links(f *os.File) (uint64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return uint64(info.Sys().(*syscall.Stat_t).Nlink), nil
}
