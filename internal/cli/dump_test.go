package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHexDump(t *testing.T) {
	show := func(off int64, parts ...string) string {
		var b strings.Builder
		d := &hexDump{out: &b}
		for _, p := range parts {
			d.add(off, []byte(p))
			off += int64(len(p))
		}
		d.end(off)
		return b.String()
	}
	zeros := strings.Repeat("\x00", 16)
	for _, test := range []struct {
		parts []string
		want  string
	}{
		{nil, ""},
		{[]string{"hi\x1b~\x7f"}, "" +
			"00000100  68 69 1b 7e 7f                                    |hi.~.|\n" +
			"00000105\n"},
		{[]string{zeros + zeros, zeros, strings.Repeat("a", 16) + "b"}, "" +
			"00000100  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n" +
			"00000130  61 61 61 61 61 61 61 61  61 61 61 61 61 61 61 61  |aaaaaaaaaaaaaaaa|\n" +
			"00000140  62                                                |b|\n" +
			"00000141\n"},
	} {
		if diff := cmp.Diff(test.want, show(0x100, test.parts...)); diff != "" {
			t.Errorf("%q: -want +got\n%s", test.parts, diff)
		}
	}
}

func TestStringsDump(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, test := range []struct {
		text string
		want []string
	}{
		{"\x00abc\x00abcd\x01a\tb c\xff", []string{"5 abcd", "a a\tb c"}},
		{"grüße\x80\u202eäöüß", []string{"0 grüße", "b äöüß"}},
		{"tail\xc3", []string{"0 tail"}},
		{long + "more", []string{"0 " + long, "100000 more"}},
	} {
		for _, part := range []int{1, 2, 5, len(test.text)} {
			if part == 1 && len(test.text) > maxLine {
				continue
			}
			var got []string
			d := &stringsDump{show: func(off int64, text string) error {
				got = append(got, fmt.Sprintf("%x %s", off, text))
				return nil
			}}
			for i := 0; i < len(test.text); i += part {
				d.add(int64(i), []byte(test.text[i:min(i+part, len(test.text))]))
			}
			d.end(int64(len(test.text)))
			if !cmp.Equal(test.want, got) {
				t.Errorf("%.40q in parts of %d: %.200q", test.text, part, got)
			}
		}
	}
}

func FuzzStringsDump(f *testing.F) {
	f.Add([]byte("abcd\x00grüße\xff\u202e"), 3)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		cut = min(max(cut, 0), len(data))
		d := &stringsDump{show: func(off int64, text string) error {
			if string(data[off:off+int64(len(text))]) != text || printable(text, "\t") != text {
				t.Errorf("%q at %d of %q", text, off, data)
			}
			return nil
		}}
		d.add(0, data[:cut])
		d.add(int64(cut), data[cut:])
		d.end(int64(len(data)))
	})
}
