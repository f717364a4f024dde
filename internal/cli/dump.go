package cli

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// dump shows bytes that come in parts, of which each but the last one has a
// multiple of 16.
type dump interface {
	add(off int64, part []byte) error
	end(off int64) error
}

// eachPart is a dump that shows each part by itself.
type eachPart func(off int64, part []byte) error

func (d eachPart) add(off int64, part []byte) error { return d(off, part) }
func (d eachPart) end(int64) error                  { return nil }

// hexDump shows bytes as hexdump -C does.
type hexDump struct {
	out    io.Writer
	before []byte // the line before
	same   bool   // and a * has said that it is repeated
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

// stringsDump finds printable text.
type stringsDump struct {
	show  func(off int64, text string) error
	run   []byte // printable so far
	count int    // its characters
	start int64
	held  []byte // the beginning of a character
}

// shortest is how many characters make a string, as for strings(1).
const shortest = 4

func (d *stringsDump) add(off int64, part []byte) error {
	off -= int64(len(d.held))
	part = append(d.held, part...)
	d.held = nil
	for len(part) > 0 {
		if !utf8.FullRune(part) {
			d.held = part
			return nil
		}
		r, size := utf8.DecodeRune(part)
		if err := d.next(off, r, part[:size]); err != nil {
			return err
		}
		part = part[size:]
		off += int64(size)
	}
	return nil
}

// next takes a character, or a byte that is none.
func (d *stringsDump) next(off int64, r rune, b []byte) error {
	valid := r != utf8.RuneError || len(b) > 1
	if !valid || r != '\t' && !strconv.IsPrint(r) {
		return d.flush()
	}
	if d.count == 0 {
		d.start = off
	}
	d.run = append(d.run, b...)
	d.count++
	if len(d.run) >= maxLine {
		return d.flush()
	}
	return nil
}

func (d *stringsDump) flush() (err error) {
	if d.count >= shortest {
		err = d.show(d.start, string(d.run))
	}
	d.run, d.count = d.run[:0], 0
	return err
}

func (d *stringsDump) end(int64) error { return d.flush() }
