//go:build !linux && !windows

package shmnet

import (
	"io"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// sendHello says h.
func sendHello(door *pipe.Conn, h hello, _ *memory) error {
	_, err := door.Write(h.encode())
	return err
}

// receiveHello waits for what the server says.
func receiveHello(door *pipe.Conn) (h hello, o origin, err error) {
	buf := make([]byte, helloSize)
	if _, err := io.ReadFull(door, buf); err != nil {
		return h, o, err
	}
	h, err = decodeHello(buf)
	return h, o, err
}
