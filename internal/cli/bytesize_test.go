package cli

import (
	"math"
	"strings"
	"testing"
)

func TestByteSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "4096": 4096, "010": 10, "0x10": 16, "0xfF": 255,
		"4K": 4 << 10, "4k": 4 << 10, "64M": 64 << 20, "1G": 1 << 30, "2T": 2 << 40,
		"9223372036854775807": math.MaxInt64, "8388607T": 8388607 << 40,
	} {
		var b byteSize
		if err := b.Set(text); err != nil || int64(b) != want {
			t.Errorf("%s: %d, %v, want %d", text, b, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "number of bytes", "K": "number of bytes", "-1": "number of bytes", "1.5K": "number of bytes",
		"4KB": "number of bytes", "0x": "number of bytes", "1_000": "number of bytes",
		"8388608T": "more than", "9223372036854775808": "more than",
	} {
		var b byteSize
		if err := b.Set(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %d, %v", text, b, err)
		}
	}
}
