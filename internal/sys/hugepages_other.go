//go:build !linux

package sys

import (
	"errors"
	"fmt"
	"os"
)

// UseHugePages is for Linux.
func UseHugePages([]byte) error {
	return fmt.Errorf("this system gives files no huge pages (%w)", errors.ErrUnsupported)
}

// CollapseHugePages is for Linux.
func CollapseHugePages(*os.File, []byte) {}
