//go:build !linux

package socket

import (
	"context"
	"errors"
)

const canHandOver = false

// handover is for Linux.
type handover struct{}

func (h *handover) settle() {}

func (h *handover) Close() error { return nil }

// listenOrSucceed is not called: checkHandOver refuses before.
func listenOrSucceed(context.Context, transport, string, settings) (*Listener, error) {
	return nil, errors.ErrUnsupported
}
