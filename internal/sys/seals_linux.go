package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// CanShrink reports whether the file may become shorter. Only a memfd that is
// sealed against it can't.
func CanShrink(f *os.File) bool {
	seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	return err != nil || seals&unix.F_SEAL_SHRINK == 0
}
