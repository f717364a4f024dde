//go:build unix

package pipe

import (
	"errors"
	"fmt"

	"github.com/breezeway-ipc/breezeway/internal/fail"
)

func (s *settings) supported() error {
	switch {
	case s.SDDL != "":
		return onlyWindows("SDDL")
	case s.Host != "":
		return onlyWindows("Host")
	case s.Remote:
		return onlyWindows("Remote")
	}
	return nil
}

func onlyWindows(field string) error {
	return fmt.Errorf("field %s works on Windows only (%w)", fail.Go("Config."+field), errors.ErrUnsupported)
}
