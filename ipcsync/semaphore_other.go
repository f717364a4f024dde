//go:build unix && !linux

package ipcsync

import (
	"errors"
	"fmt"
)

// errNoSemaphores: those of the kernel here can't tell their value, can't be
// waited for with a context, and are found by a call of the C library.
var errNoSemaphores = fmt.Errorf("named semaphores are for Linux and Windows (%w)", errors.ErrUnsupported)

func createSemaphore(string, int, *settings) (*Semaphore, error)       { return nil, errNoSemaphores }
func openSemaphore(string, *settings) (*Semaphore, error)              { return nil, errNoSemaphores }
func openOrCreateSemaphore(string, int, *settings) (*Semaphore, error) { return nil, errNoSemaphores }
func removeSemaphore(string) error                                     { return errNoSemaphores }
