//go:build unix

package cli

import (
	"os"

	"github.com/breezeway-ipc/breezeway/internal/local"
)

// resolve returns the path of what exists without symbolic links.
func resolve(path string) (string, error) { return local.Resolve(path) }

// locate returns the path of what is created or removed without symbolic links to
// directories.
func locate(path string) (string, error) { return local.Locate(path) }

// openLinkless opens the file at a path that resolve returned, without waiting.
func openLinkless(path string, flags int) (*os.File, error) { return local.OpenFile(path, flags) }
