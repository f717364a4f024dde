package sys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ExplainSelfFD says that /proc is missing, if that is why a path in /proc/self/fd was not
// found: what the path leads to exists, and no error should say otherwise.
func ExplainSelfFD(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, missing := os.Lstat("/proc/self/fd"); missing == nil {
		return err
	}
	return fmt.Errorf("there is no /proc/self/fd, which is needed to open or name a file that is open: mount /proc (%w)", errors.ErrUnsupported)
}
