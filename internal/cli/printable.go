package cli

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// printable returns text that a terminal only shows: what isn't printable, except the
// characters in keep, is spelled out.
func printable(text, keep string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case strconv.IsPrint(r) || strings.ContainsRune(keep, r):
			b.WriteString(text[i : i+size])
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
		i += size
	}
	return b.String()
}

// printableError returns an error's text for a terminal. Its own words may have several
// lines; what another process says in it is put through [printable] where it is known to be
// that.
func printableError(err error) string { return printable(err.Error(), "\n\t") }
