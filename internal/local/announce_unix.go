//go:build unix && !linux

package local

import (
	"io/fs"

	"github.com/breezeway-ipc/breezeway/internal/access"
)

// announce does nothing: waiters find the server by their own timer.
func announce(path string) {}

// Permit gives the file exactly the rights of the rule. It goes by the path, so only
// a directory that others can't write to rules out that they put a link there.
func Permit(path string, made fs.FileInfo, rule access.Rule) error {
	if rule.IsCarriedBy(path, made) {
		return nil
	}
	return rule.Permit(path, path)
}
