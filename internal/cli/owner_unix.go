//go:build unix

package cli

import (
	"io/fs"
	"strconv"
	"syscall"
)

// ownerOf returns the uid of a file's owner.
func ownerOf(info fs.FileInfo) string {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return strconv.Itoa(int(st.Uid))
	}
	return ""
}
