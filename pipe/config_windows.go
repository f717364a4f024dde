package pipe

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

func (s *settings) supported() error {
	if s.SDDL != "" {
		if _, err := windows.SecurityDescriptorFromString(s.SDDL); err != nil {
			return fmt.Errorf("Config.SDDL is not a security descriptor (%w): %w", os.ErrInvalid, err)
		}
	}
	return nil
}
