package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// Populate reads all of b in, which starts on a page. It copies no page of a
// copy-on-write mapping, as MAP_POPULATE would, and unlike that it reports failures. It
// takes Linux 5.14.
func Populate(b []byte) error {
	return os.NewSyscallError("madvise", unix.Madvise(b, unix.MADV_POPULATE_READ))
}
