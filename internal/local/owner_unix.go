//go:build unix

package local

import (
	"io/fs"
	"syscall"
)

func ownerOf(info fs.FileInfo) (uid int) {
	return int(info.Sys().(*syscall.Stat_t).Uid)
}
