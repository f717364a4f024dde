//go:build !linux && !windows

package shmnet

import (
	"errors"
	"fmt"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// origin is nothing: there is no memory.
type origin struct{}

func (o *origin) forget() {}

// makeMemory fails with [errors.ErrUnsupported].
func makeMemory(hello, *pipe.Conn, *settings) (*memory, error) {
	return nil, fmt.Errorf("connections share memory on Linux and Windows only (%w)", errors.ErrUnsupported)
}

// takeMemory fails with [errors.ErrUnsupported].
func takeMemory(origin, hello) (*memory, error) { return makeMemory(hello{}, nil, nil) }

// unmap is not called: there is no memory.
func (m *memory) unmap() {}
