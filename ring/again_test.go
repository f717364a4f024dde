//go:build linux || killpoints

package ring

import (
	"errors"
	"io/fs"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// again calls begin until the process before has released what it had.
func again[T any](begin func() (T, error)) (v T, err error) {
	for deadline := time.Now().Add(ipctest.Patience); ; time.Sleep(100 * time.Microsecond) {
		if v, err = begin(); !errors.Is(err, fs.ErrExist) || time.Now().After(deadline) {
			return v, err
		}
	}
}
