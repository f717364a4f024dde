package shmnet

import (
	"encoding/binary"
	"fmt"

	"github.com/breezeway-ipc/breezeway"
)

// What is said before the first byte of a connection; docs/formats.md has the whole:
//
//	server   hello, with the descriptor of the memory beside it if it offers some
//	client   acceptShared or acceptPlain
//	server   acceptPlain, if the client said so
//
// Numbers are little-endian:
//
//	bytes  0..7    "bwshmnet"
//	bytes  8..11   version
//	bytes 12..15   1 if memory is offered, else 0
//	bytes 16..23   size of the ring from the server to the client
//	bytes 24..31   size of the ring from the client to the server
const (
	magic     = "bwshmnet"
	version   = 1
	helloSize = 32

	acceptShared byte = 'S'
	acceptPlain  byte = 'P'
)

// The bytes that follow on the socket of a connection with shared memory.
const (
	bellData  byte = 'd' // there is something to read
	bellSpace byte = 's' // there is room to write
)

// hello is what the server says first.
type hello struct {
	shared             bool
	toClient, toServer uint64
}

func (h hello) encode() []byte {
	b := append(make([]byte, 0, helloSize), magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	shared := uint32(0)
	if h.shared {
		shared = 1
	}
	b = binary.LittleEndian.AppendUint32(b, shared)
	b = binary.LittleEndian.AppendUint64(b, h.toClient)
	return binary.LittleEndian.AppendUint64(b, h.toServer)
}

// decodeHello checks what another process sent.
func decodeHello(b []byte) (h hello, err error) {
	if len(b) != helloSize || string(b[:8]) != magic {
		return h, fmt.Errorf("the server is none of this package (%w)", breezeway.ErrMismatch)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != version {
		return h, fmt.Errorf("the server speaks version %d, this program version %d (%w)", v, version, breezeway.ErrMismatch)
	}
	switch shared := binary.LittleEndian.Uint32(b[12:]); shared {
	case 0:
		return h, nil
	case 1:
		h.shared = true
	default:
		return h, fmt.Errorf("the server offers transport %d, which this program doesn't know (%w)", shared, breezeway.ErrMismatch)
	}
	h.toClient, h.toServer = binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
	for _, size := range []uint64{h.toClient, h.toServer} {
		if size < minBufferSize || size > maxBufferSize || size&(size-1) != 0 {
			return h, fmt.Errorf("the server offers a ring of %d bytes, not a power of two within %d and %d (%w)",
				size, minBufferSize, maxBufferSize, breezeway.ErrMismatch)
		}
	}
	return h, nil
}
