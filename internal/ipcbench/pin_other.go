//go:build !linux && !windows

package ipcbench

import (
	"errors"
	"fmt"
)

// setAffinity is not available here.
func setAffinity(int) error {
	return fmt.Errorf("processes can't be bound to a CPU on this system (%w)", errors.ErrUnsupported)
}
