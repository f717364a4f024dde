package cli

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// all reads everything that a decoder gives.
func all(t testing.TB, r io.Reader, encoding string) string {
	d := newDecoder(r, encoding)
	var b strings.Builder
	for {
		text, err := d.next()
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(text)
	}
}

func TestDecoder(t *testing.T) {
	for _, test := range []struct{ encoding, in, want string }{
		{utf8Name, "\ufeffgrüße 😀", "grüße 😀"},
		{utf8Name, "a\ufeffb", "a\ufeffb"},
		{utf8Name, "\xff\x80cut \xf0\x9f", "\xff\x80cut \xf0\x9f"},
		{utf16leName, "\xff\xfea\x00", "a"},
		{utf16leName, "\xfe\xff\x00a", "a"},
		{utf16leName, "a\x00\x3d\xd8\x00\xde", "a😀"},
		{utf16leName, "\x3d\xd8a\x00b", "\ufffda\ufffd"},
	} {
		for name, r := range map[string]io.Reader{
			"whole": strings.NewReader(test.in), "bytes": iotest.OneByteReader(strings.NewReader(test.in)),
			"with EOF": iotest.DataErrReader(strings.NewReader(test.in)),
		} {
			if got := all(t, r, test.encoding); got != test.want {
				t.Errorf("%s %q, %s: %q, want %q", test.encoding, test.in, name, got, test.want)
			}
		}
	}
}

// FuzzDecoder: how a stream is cut never matters, and UTF-8 passes unchanged.
func FuzzDecoder(f *testing.F) {
	f.Add("\ufeffgrüße 😀", uint8(1))
	f.Add("\xff\xfe\x3d\xd8\x00\xde", uint8(3))
	f.Fuzz(func(t *testing.T, in string, cut uint8) {
		at := min(int(cut), len(in))
		for _, encoding := range []string{utf8Name, utf16leName} {
			pieces := io.MultiReader(strings.NewReader(in[:at]), strings.NewReader(in[at:]))
			whole := all(t, strings.NewReader(in), encoding)
			if got := all(t, pieces, encoding); got != whole {
				t.Errorf("%s: cut at %d %q, whole %q", encoding, at, got, whole)
			}
			if encoding == utf8Name && whole != strings.TrimPrefix(in, "\ufeff") {
				t.Errorf("%q became %q", in, whole)
			}
		}
	})
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", maxLine+1)
	for in, want := range map[string][]unit{
		"":                                nil,
		"a\nb\r\n\nc":                     {{text: "a", more: true}, {text: "b", more: true}, {text: "", more: true}, {text: "c"}},
		long:                              {{long[:maxLine], true, true}, {text: "x"}},
		long[1:] + "\n":                   {{text: long[1:]}},
		"\xff" + long[2:]:                 {{text: "\xff" + long[2:]}},
		strings.Repeat("\x80", maxLine+1): {{strings.Repeat("\x80", maxLine-4), true, true}, {text: strings.Repeat("\x80", 5)}},
	} {
		next := lines(newDecoder(strings.NewReader(in), utf8Name).next)
		for i, w := range want {
			if u, err := next(); u != w || err != nil {
				t.Errorf("%.20q: unit %d is %.20q (%d bytes), %v, %v", in, i, u.text, len(u.text), u.split, err)
			}
		}
		if u, err := next(); err != io.EOF {
			t.Errorf("%.20q: after the end: %.20q, %v", in, u.text, err)
		}
	}
}
