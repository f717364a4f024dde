//go:build unix

package sys

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Advise gives advice about b, which starts on a page.
func Advise(b []byte, a Advice) error {
	n, ok := adviceNumbers[a]
	if !ok {
		return fmt.Errorf("the system does not take this advice (%w)", errors.ErrUnsupported)
	}
	return os.NewSyscallError("madvise", unix.Madvise(b, n))
}
