package cli

import (
	"math"
	"strings"
	"testing"
)

func TestByteSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "4096": 4096, "010": 10, "0x10": 16, "0xfF": 255,
		"4K": 4 << 10, "4k": 4 << 10, "64M": 64 << 20, "1G": 1 << 30, "64MiB": 64 << 20, "4kib": 4 << 10, "4 KiB": 4 << 10, "2T": 2 << 40,
		"9223372036854775807": math.MaxInt64, "8388607T": 8388607 << 40,
	} {
		var b byteSize
		if err := b.Set(text); err != nil || int64(b) != want {
			t.Errorf("%s: %d, %v, want %d", text, b, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "number of bytes", "K": "number of bytes", "-1": "number of bytes", "1.5K": "number of bytes",
		"4KB": "number of bytes", "4Ki": "number of bytes", "KiB": "number of bytes", "4  KiB": "number of bytes", "0x": "number of bytes", "1_000": "number of bytes",
		"8388608T": "more than", "9223372036854775808": "more than",
	} {
		var b byteSize
		if err := b.Set(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %d, %v", text, b, err)
		}
	}
}

// What ls and stat show as a size can be given as one.
func TestSizesAreReadAsTheyAreShown(t *testing.T) {
	for _, n := range []int64{1 << 10, 20 << 10, 256 << 10, 64 << 20, 3 << 30} {
		var b byteSize
		shown := strings.Replace(size(n), ".0", "", 1)
		if err := b.Set(shown); err != nil || int64(b) != n {
			t.Errorf("%d is shown as %s, which is read as %d, %v", n, shown, b, err)
		}
	}
}
