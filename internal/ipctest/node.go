package ipctest

import (
	"os"
	"path/filepath"
	"testing"
)

// Node runs the program in the file source by Node.js, with packages that .ci/node has put
// into the cache.
func Node(t testing.TB, source string, packages ...string) Program {
	t.Helper()
	modules := filepath.Join(filepath.Dir(dotnetCache(t)), "node", "node_modules")
	for _, name := range packages {
		if _, err := os.Stat(filepath.Join(modules, name)); err != nil {
			Missing(t, "the package", name, "of Node.js; .ci/node setup gets it")
		}
	}
	return program([]string{"NODE_PATH=" + modules}, peerTool(t, "node"), source)
}
