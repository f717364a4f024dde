//go:build !linux

package sys

import (
	"errors"
	"fmt"
)

// Populate is for Linux.
func Populate([]byte) error {
	return fmt.Errorf("this system reads memory in when it is touched (%w)", errors.ErrUnsupported)
}
