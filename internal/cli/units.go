package cli

import (
	"bytes"
	"io"
	"unicode/utf8"

	"github.com/breezeway-ipc/breezeway/pipe"
	"golang.org/x/text/transform"
)

// maxLine bounds the memory that a line takes, also one that a peer never ends.
const maxLine = 1 << 20

// unit is one arrival: what one read gave, a line without its end, or a
// message. Its text is UTF-8 if the sender's bytes were text.
type unit struct {
	text  string
	split bool // the line is longer than maxLine and goes on in the next unit
	more  bool // bytes that came with it are in no unit yet
}

// lines returns a function that returns what next gives line by line.
func lines(next func() (string, error)) func() (unit, error) {
	var pending []byte
	var err error
	return func() (unit, error) {
		for {
			line, rest, ended := bytes.Cut(pending, []byte("\n"))
			switch {
			case len(line) > maxLine:
				cut := maxLine
				for !utf8.RuneStart(line[cut]) && cut > maxLine-utf8.UTFMax {
					cut--
				}
				pending = pending[cut:]
				return unit{string(line[:cut]), true, true}, nil
			case ended:
				pending = rest
				return unit{text: string(bytes.TrimSuffix(line, []byte("\r"))), more: len(rest) > 0}, nil
			case err != nil && len(line) > 0:
				pending = nil
				return unit{text: string(line)}, nil
			case err != nil:
				return unit{}, err
			}
			var text string
			text, err = next()
			pending = append(pending, text...)
		}
	}
}

// units returns a function that reads one arrival after the other, as the flags say.
func (o *streamFlags) units(r io.Reader) func() (unit, error) {
	if c, ok := r.(*pipe.Conn); ok && o.message {
		return func() (unit, error) {
			message, err := c.ReadMessage(nil)
			if err != nil {
				return unit{}, err
			}
			text, _, err := transform.Bytes(decoderOf(o.encoding), message)
			return unit{text: string(text)}, err
		}
	}
	next := newDecoder(r, o.encoding).next
	if o.lines {
		return lines(next)
	}
	return func() (unit, error) {
		text, err := next()
		return unit{text: text}, err
	}
}
