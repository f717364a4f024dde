package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// hexDump shows bytes as hexdump -C does.
type hexDump struct {
	out    io.Writer
	before []byte // the line before
	same   bool   // a * has been printed for its repetitions
}

const hexLine = 16

func (d *hexDump) add(off int64, part []byte) error {
	for len(part) > 0 {
		line := part[:min(hexLine, len(part))]
		part = part[len(line):]
		var text string
		switch repeated := bytes.Equal(line, d.before); {
		case !repeated:
			text = fmt.Sprintf("%08x  %s |%s|\n", off, hexColumns(line), printed(line))
		case !d.same:
			text = "*\n"
		}
		d.same = text == "" || text == "*\n"
		d.before = append(d.before[:0], line...)
		if _, err := io.WriteString(d.out, text); err != nil {
			return err
		}
		off += int64(len(line))
	}
	return nil
}

func (d *hexDump) end(off int64) error {
	if d.before == nil {
		return nil
	}
	_, err := fmt.Fprintf(d.out, "%08x\n", off)
	return err
}

// hexColumns returns two groups of eight bytes, padded to their full width.
func hexColumns(line []byte) string {
	var b strings.Builder
	for i := range hexLine {
		if i < len(line) {
			fmt.Fprintf(&b, "%02x ", line[i])
		} else {
			b.WriteString("   ")
		}
		if i == hexLine/2-1 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// printed returns bytes as ASCII, with dots for what isn't printable.
func printed(line []byte) string {
	text := make([]byte, len(line))
	for i, c := range line {
		if text[i] = c; c < ' ' || c > '~' {
			text[i] = '.'
		}
	}
	return string(text)
}
