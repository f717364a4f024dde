//go:build !linux

package sys

import (
	"errors"
	"fmt"
)

// RegisterMembarrier fails with [errors.ErrUnsupported].
func RegisterMembarrier() error { return Membarrier() }

// Membarrier fails with [errors.ErrUnsupported].
func Membarrier() error {
	return fmt.Errorf("this system has no memory barrier across processes (%w)", errors.ErrUnsupported)
}
