package cli

import (
	"strconv"
	"unicode/utf8"
)

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
