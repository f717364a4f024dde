package cli

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// byteSize is the value of a flag that counts bytes, such as 4096, 0x1000 or 4K.
type byteSize int64

func (b *byteSize) String() string { return strconv.FormatInt(int64(*b), 10) }

// Type is what --help calls the value.
func (b *byteSize) Type() string { return "BYTES" }

func (b *byteSize) Set(text string) error {
	digits, base, shift := text, 10, 0
	if hex, ok := strings.CutPrefix(text, "0x"); ok {
		digits, base = hex, 16
	} else if i := strings.IndexAny(text, "kKmMgGtT"); i == len(text)-1 && i > 0 {
		digits, shift = text[:i], 10*(1+strings.Index("kmgt", strings.ToLower(text[i:])))
	}
	n, err := strconv.ParseUint(digits, base, 63)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && n > math.MaxInt64>>shift:
		return fmt.Errorf("more than %d bytes", int64(math.MaxInt64))
	case err != nil:
		return errors.New("give a number of bytes, such as 4096, 0x1000, 4K, 64M or 1G")
	}
	*b = byteSize(n << shift)
	return nil
}
