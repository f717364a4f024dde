package cli

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestInert(t *testing.T) {
	for text, want := range map[string]string{
		"plain – ünïcode 😀": "plain – ünïcode 😀",
		"\x1b]0;title\a":    `\x1b]0;title\a`,
		"C1 \u009b31m":      `C1 \u009b31m`,
		"a\tb\nc":           "a\tb\\nc",
		`C:\new "x" 'y'`:    `C:\new "x" 'y'`,
		"\xff'\u2028":       `\xff'\u2028`,
		"del\x7f":           `del\x7f`,
	} {
		if got := printable(text, "\t"); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzInert(f *testing.F) {
	f.Add("\x1b[31mred")
	f.Fuzz(func(t *testing.T, text string) {
		got := printable(text, "")
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !strconv.IsPrint(r) }) {
			t.Errorf("%q became %q", text, got)
		}
	})
}

func TestTable(t *testing.T) {
	got := table([][]string{{"mechanism", "verdict"}, {"größe", "ok"}, {"x", "failed"}})
	want := "mechanism  verdict\ngröße      ok\nx          failed\n"
	if got != want {
		t.Errorf("got\n%s", got)
	}
}
