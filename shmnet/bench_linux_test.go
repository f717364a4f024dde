package shmnet

import (
	"net"
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// bareKind is what connections through shared memory are compared with.
const bareKind = "Unix socket"

func bareName() string                             { return filepath.Join(os.TempDir(), ipctest.UniqueName()) }
func listenBare(path string) (net.Listener, error) { return net.Listen("unix", path) }
func dialBare(path string) (net.Conn, error)       { return net.Dial("unix", path) }
