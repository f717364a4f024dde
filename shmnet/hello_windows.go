package shmnet

import (
	"io"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// sendHello says h, with the name of m behind it if there is one. It doesn't wait: nothing
// was sent through the pipe before.
func sendHello(door *pipe.Conn, h hello, m *memory) error {
	said := h.encode()
	if m != nil {
		said = append(said, m.id[:]...)
	}
	_, err := door.Write(said)
	return err
}

// receiveHello waits for what the server says. The origin has a name only.
func receiveHello(door *pipe.Conn) (h hello, o origin, err error) {
	buf := make([]byte, helloSize)
	if _, err := io.ReadFull(door, buf); err != nil {
		return h, o, err
	}
	if h, err = decodeHello(buf); err == nil && h.shared {
		_, err = io.ReadFull(door, o.id[:])
	}
	return h, o, err
}
