package ipcsync

import (
	"errors"
	"fmt"
)

func newMutex(h how, name string, cfg *Config) (*Mutex, error) {
	m, created, err := openKernelMutex(h, name, cfg)
	if err != nil {
		return nil, err
	}
	return &Mutex{m, name, created}, nil
}

func removeMutex(string, *Config) error {
	return fmt.Errorf("a mutex on Windows goes with its last handle: close it in all processes (%w)", errors.ErrUnsupported)
}
