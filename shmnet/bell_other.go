//go:build !linux && !windows

package shmnet

import (
	"errors"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// bell is what connections with shared memory need; there are none here.
type bell struct{}

func newBell(*pipe.Conn) (*bell, error) { return nil, errors.ErrUnsupported }

func (b *bell) ringData()             {}
func (b *bell) ringSpace()            {}
func (b *bell) hear() ([]byte, error) { return nil, errors.ErrUnsupported }
