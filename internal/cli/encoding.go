package cli

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// The encodings that text may have on its way, by name.
const (
	utf8Name    = "utf-8"
	utf16leName = "utf-16le"
)

// decoderOf returns what turns text in the encoding into UTF-8. A byte order
// mark at the start is obeyed and taken off.
func decoderOf(encoding string) transform.Transformer {
	if encoding == utf16leName {
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
	}
	return new(wholeCharacters)
}

// encoderOf returns what turns UTF-8 into the encoding, without a byte order
// mark.
func encoderOf(name string) transform.Transformer {
	if name == utf16leName {
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder()
	}
	return encoding.Nop.NewEncoder()
}

// wholeCharacters passes UTF-8 on, each character in one piece, without a byte
// order mark. What is not UTF-8 passes unchanged.
type wholeCharacters struct{ begun bool }

func (w *wholeCharacters) Reset() { w.begun = false }

func (w *wholeCharacters) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	const mark = "\ufeff"
	if !w.begun && len(src) > 0 {
		if !atEOF && len(src) < len(mark) && mark[:len(src)] == string(src) {
			return 0, 0, transform.ErrShortSrc
		}
		w.begun = true
		if bytes.HasPrefix(src, []byte(mark)) {
			nSrc = len(mark)
		}
	}
	end := len(src)
	if !atEOF {
		end -= cutOff(src[nSrc:])
	}
	nDst = copy(dst, src[nSrc:end])
	nSrc += nDst
	switch {
	case nSrc < end:
		err = transform.ErrShortDst
	case end < len(src):
		err = transform.ErrShortSrc
	}
	return nDst, nSrc, err
}

// cutOff returns how many bytes at the end of b are the beginning of a
// character.
func cutOff(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}
