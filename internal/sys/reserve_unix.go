//go:build unix && !linux

package sys

import (
	"errors"
	"os"
)

// Reserve is left to the caller: this system has no such call.
func Reserve(f *os.File, size int64) error { return errors.ErrUnsupported }
