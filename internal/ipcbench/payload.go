package ipcbench

import (
	"encoding/binary"
	"fmt"

	"github.com/breezeway-ipc/breezeway"
)

// A message begins with a word: its sequence number above the byte that is its kind. Every
// further cache line begins with a byte that depends on both and on the line. So each line
// goes through both processors, at a small part of the cost of writing all of it.
const (
	kindBits = 8
	lineBits = 6 // a cache line has 64 bytes
)

// fill writes a message.
func fill(b []byte, kind byte, seq uint64) {
	word := seq<<kindBits | uint64(kind)
	binary.LittleEndian.PutUint64(b, word)
	for i := 1 << lineBits; i < len(b); i += 1 << lineBits {
		b[i] = byte(word>>kindBits) + byte(i>>lineBits)
	}
}

// check reads a message with this sequence number, and returns its kind.
func check(b []byte, seq uint64) (kind byte, err error) {
	word := binary.LittleEndian.Uint64(b)
	if word>>kindBits != seq<<kindBits>>kindBits {
		return 0, fmt.Errorf("message %d has the number %d (%w)", seq, word>>kindBits, breezeway.ErrMismatch)
	}
	for i := 1 << lineBits; i < len(b); i += 1 << lineBits {
		if got, want := b[i], byte(seq)+byte(i>>lineBits); got != want {
			return 0, fmt.Errorf("message %d: byte %d of %d is %#x, want %#x (%w)", seq, i, len(b), got, want, breezeway.ErrMismatch)
		}
	}
	return byte(word), nil
}
