//go:build unix && !linux

package ipcsync

import (
	"errors"
	"fmt"

	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// errNoSemaphores is returned since this system's semaphores don't tell their value,
// can't be waited for with a context, and are opened by the C library only.
var errNoSemaphores = fmt.Errorf("named semaphores are for Linux and Windows (%w)", errors.ErrUnsupported)

func newSemaphore(robust.OpenMode, string, int, *settings) (*Semaphore, error) {
	return nil, errNoSemaphores
}

func removeSemaphore(string, *settings) error { return errNoSemaphores }

func listSemaphores() ([]string, error) { return nil, errNoSemaphores }

func pathOfSemaphore(string) (string, error) { return "", errNoSemaphores }
