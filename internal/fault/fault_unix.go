//go:build unix

package fault

import (
	"io/fs"
	"os"
	"syscall"

	"github.com/breezeway-ipc/breezeway/internal/access"
)

func possible(f *os.File, size int64, trust Trust) bool {
	sealed := isSealed(f) // first, for only a sealed file keeps the size that it has
	if !sealed && trust == NoProcess {
		return true
	}
	info, err := f.Stat()
	if err != nil || info.Size() < size || !isOursAndWhole(info) {
		return true
	}
	if sealed {
		return isPooled(f)
	}
	return info.Mode()&0o022 != 0 // what an access control list grants shows in the group's bits
}

// isOursAndWhole reports whether a file belongs to this user or the superuser, and has
// storage for all of its bytes.
func isOursAndWhole(info fs.FileInfo) bool {
	const block = 512 // the unit of st_blocks
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int64(stat.Blocks)*block < info.Size() {
		return false
	}
	return access.IsOwn(int(stat.Uid))
}
