package ipcbench

import (
	"errors"
	"testing"

	"github.com/breezeway-ipc/breezeway"
)

// A byte that is wrong in any cache line, or a message that is lost, is noticed.
func TestWrongPayload(t *testing.T) {
	for _, size := range []int{MinSize, 64, 65, 1000, 4096} {
		b := make([]byte, size)
		const seq = 1<<40 + 7
		fill(b, confirm, seq)
		if kind, err := check(b, seq); kind != confirm || err != nil {
			t.Errorf("%d bytes: kind %d, %v", size, kind, err)
		}
		if _, err := check(b, seq+1); !errors.Is(err, breezeway.ErrMismatch) {
			t.Errorf("%d bytes, the next number: %v", size, err)
		}
		for line := 0; line < size; line += 64 {
			wrong := append([]byte(nil), b...)
			at := max(1, line) // byte 0 is the kind
			wrong[at] ^= 0x40
			if _, err := check(wrong, seq); !errors.Is(err, breezeway.ErrMismatch) {
				t.Errorf("%d bytes, byte %d is wrong: %v", size, at, err)
			}
		}
		// An answer's number is the complement of the question's.
		fill(b, echo, ^uint64(seq))
		if kind, err := check(b, ^uint64(seq)); kind != echo || err != nil {
			t.Errorf("%d bytes, an answer: kind %d, %v", size, kind, err)
		}
	}
}
