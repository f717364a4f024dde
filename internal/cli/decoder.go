package cli

import (
	"io"

	"golang.org/x/text/transform"
)

// decoder reads text as it arrives.
type decoder struct {
	r    io.Reader
	t    transform.Transformer
	in   []byte
	held int // of in: a character that has not arrived completely
	out  []byte
	err  error
}

func newDecoder(r io.Reader, encoding string) *decoder {
	const size = 64 << 10
	return &decoder{r: r, t: decoderOf(encoding), in: make([]byte, size), out: make([]byte, 2*size)}
}

// next returns what one read gives, in UTF-8.
func (d *decoder) next() (string, error) {
	for d.err == nil {
		var n int
		n, d.err = d.r.Read(d.in[d.held:])
		d.held += n
		// out has room for all, so whatever is not used is a part of a character.
		n, used, _ := d.t.Transform(d.out, d.in[:d.held], d.err != nil)
		d.held = copy(d.in, d.in[used:d.held])
		if n > 0 {
			return string(d.out[:n]), nil
		}
	}
	return "", d.err
}
