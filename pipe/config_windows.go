package pipe

import (
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway/internal/fail"
	"golang.org/x/sys/windows"
)

func (s *settings) supported() error {
	if s.SDDL != "" {
		if _, err := windows.SecurityDescriptorFromString(s.SDDL); err != nil {
			return fmt.Errorf("%s is not a security descriptor (%w): %w", fail.Go("Config.SDDL"), os.ErrInvalid, err)
		}
	}
	return nil
}
