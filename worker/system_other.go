//go:build !linux && !windows

package worker

import (
	"errors"
	"fmt"

	"github.com/breezeway-ipc/breezeway/internal/fail"
)

func (s *settings) supported() error {
	if s.MaxMemory != 0 {
		return fmt.Errorf("%s: this system doesn't tell how much memory another process has (%w)", fail.Go("Config.MaxMemory"), errors.ErrUnsupported)
	}
	return nil
}

// residentMemory fails with [errors.ErrUnsupported].
func residentMemory(int) (int64, error) { return 0, errors.ErrUnsupported }
