//go:build !linux

package socket

import (
	"errors"
	"fmt"
)

func activated(string, *Config) (*Listener, error) {
	return nil, fmt.Errorf("listeners are passed so on Linux only (%w)", errors.ErrUnsupported)
}
