package shmnet

import (
	"context"
	"net"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// bareKind is what connections through shared memory are compared with.
const bareKind = "named pipe"

func bareName() string                             { return ipctest.UniqueName() }
func listenBare(name string) (net.Listener, error) { return pipe.Listen(name, nil) }
func dialBare(name string) (net.Conn, error)       { return pipe.Dial(context.Background(), name, nil) }
