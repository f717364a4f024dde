package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// jsonLine returns v as a line of JSON. What isn't printable is escaped, so that a
// terminal only shows it.
func jsonLine(v any) string {
	var text, line strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.Encode(v) // can't fail: no type of ours is one that JSON lacks
	for _, r := range text.String() {
		if r == '\n' || strconv.IsPrint(r) {
			line.WriteRune(r)
			continue
		}
		for _, u := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&line, `\u%04x`, u)
		}
	}
	return line.String()
}
