//go:build unix && !linux

package access

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Permit gives the file that path leads to exactly the rights of the rule, whatever
// the umask. name is what the file is, or will be, called.
//
// Preconditions:
//   - No other user can change where path leads.
func (r Rule) Permit(path, name string) error {
	if r.allowed.any() {
		return fmt.Errorf("%s: %s is not possible on this system; use %s (%w)", name, fail.Go("Config.Allow"), fail.Go("Config.Mode"), errors.ErrUnsupported)
	}
	return os.Chmod(path, r.FileMode())
}

// IsCarriedBy reports whether the file at path has exactly the rights of the rule, so
// that [Rule.Permit] would change nothing. info describes the file.
func (r Rule) IsCarriedBy(path string, info fs.FileInfo) bool {
	return !r.allowed.any() && info.Mode().Perm() == r.FileMode()
}
