package fault

import (
	"os"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// isSealed reports whether no process can shrink the file.
func isSealed(f *os.File) bool {
	seals, err := sys.Seals(f)
	return err == nil && seals&unix.F_SEAL_SHRINK != 0
}

// isPooled reports whether the file's pages come from a pool that may be empty.
func isPooled(f *os.File) bool {
	var stat unix.Statfs_t
	err := unix.Fstatfs(int(f.Fd()), &stat)
	return err != nil || uint32(stat.Type) == unix.HUGETLBFS_MAGIC
}
