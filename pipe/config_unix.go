//go:build unix

package pipe

import (
	"errors"
	"fmt"
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
	return fmt.Errorf("field Config.%s works on Windows only (%w)", field, errors.ErrUnsupported)
}
