package sys

import (
	"errors"
	"fmt"
)

// Advise accepts Normal, which is all that the system offers here.
func Advise(b []byte, a Advice) error {
	if a != Normal {
		return fmt.Errorf("this system takes no advice about mapped memory (%w)", errors.ErrUnsupported)
	}
	return nil
}
