package socket

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// checkHandOver checks Config.HandOver.
func (s *settings) checkHandOver(n transport, address string) error {
	switch {
	case s.HandOver == "":
		return nil
	case !canHandOver:
		return fmt.Errorf("%s: listeners are handed over on Linux only (%w)", fail.Go("Config.HandOver"), errors.ErrUnsupported)
	case isAbstract(s.HandOver):
		return fmt.Errorf("%s is a path, whose directory says which users may take the listener (%w)", fail.Go("Config.HandOver"), os.ErrInvalid)
	case n.local && filepath.Clean(s.HandOver) == filepath.Clean(address):
		return fmt.Errorf("%s is the listener's own path; give another one (%w)", fail.Go("Config.HandOver"), os.ErrInvalid)
	}
	return nil
}
