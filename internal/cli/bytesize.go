package cli

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// byteSize is the value of a flag that counts bytes, such as 4096, 0x1000, 4K or 64MiB.
type byteSize int64

func (b *byteSize) String() string { return strconv.FormatInt(int64(*b), 10) }

// Type is what --help calls the value.
func (b *byteSize) Type() string { return "BYTES" }

func (b *byteSize) Set(text string) error {
	digits, base, shift := text, 10, 0
	if hex, ok := strings.CutPrefix(text, "0x"); ok {
		digits, base = hex, 16
	} else if i := strings.IndexAny(text, "kKmMgGtT"); i > 0 && (i == len(text)-1 || strings.EqualFold(text[i+1:], "iB")) {
		digits, shift = strings.TrimSuffix(text[:i], " "), 10*(1+strings.Index("kmgt", strings.ToLower(text[i:i+1])))
	}
	n, err := strconv.ParseUint(digits, base, 63)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && n > math.MaxInt64>>shift:
		return fmt.Errorf("more than %d bytes", int64(math.MaxInt64))
	case err != nil:
		return errors.New("give a number of bytes, such as 4096, 0x1000, 4K, 64MiB or 1G")
	}
	*b = byteSize(n << shift)
	return nil
}

// size spells a number of bytes in at most four digits.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	x, i := float64(n), 0
	for x >= 1000 && i < len(units)-1 {
		x /= 1024
		i++
	}
	if i == 0 || x >= 100 {
		return fmt.Sprintf("%.0f %s", x, units[i])
	}
	return fmt.Sprintf("%.1f %s", x, units[i])
}
