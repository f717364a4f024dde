//go:build unix

package pipe

import (
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/local"
)

// socketPrefix begins the name of the file of a pipe with a plain name, as .NET has it.
const socketPrefix = "CoreFxPipe_"

// pathOf returns the socket's path. The prefix is .NET's, so that
// NamedPipeServerStream and NamedPipeClientStream find us and we find them.
func pathOf(name, host string) (string, error) {
	path := name
	if !filepath.IsAbs(name) {
		if err := breezeway.CheckName(name); err != nil {
			return "", err
		}
		path = filepath.Join(os.TempDir(), socketPrefix+name)
	}
	return path, local.CheckPath(path)
}
