package bench

import "fmt"

// A benchmark that moves bytes without looking at them measures page tables. Writing
// and reading one byte of each 64 brings every cache line through both
// processors at a small part of the cost of moving it.
const line = 64

// Fill writes to every cache line of p a byte that depends on seq and on where
// it stands.
func Fill(p []byte, seq int) {
	for i := 0; i < len(p); i += line {
		p[i] = stamp(seq, i)
	}
	if last := len(p) - 1; last >= 0 {
		p[last] = stamp(seq, last)
	}
}

// Check reads what [Fill] has written, and returns an error if it is something
// else.
func Check(p []byte, seq int) error {
	for i := 0; i < len(p); i += line {
		if p[i] != stamp(seq, i) {
			return wrong(p, seq, i)
		}
	}
	if last := len(p) - 1; last >= 0 && p[last] != stamp(seq, last) {
		return wrong(p, seq, last)
	}
	return nil
}

func stamp(seq, i int) byte { return byte(seq + i/line + i) }

func wrong(p []byte, seq, i int) error {
	return fmt.Errorf("payload %d: byte %d of %d is %#x, want %#x", seq, i, len(p), p[i], stamp(seq, i))
}
