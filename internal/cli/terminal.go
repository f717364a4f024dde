package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// screen is standard output or standard error, and what it can show.
type screen struct {
	*os.File
	tty    bool
	ansi   bool // it obeys escape sequences
	colour bool // and the user wants colours
}

func newScreen(f *os.File) screen {
	tty := term.IsTerminal(int(f.Fd()))
	ansi := tty && os.Getenv("TERM") != "dumb" && understandsANSI(f)
	return screen{f, tty, ansi, ansi && os.Getenv("NO_COLOR") == ""}
}

// The colours of this command, as SGR parameters.
const (
	dim   = "2"
	red   = "31"
	green = "32"
	cyan  = "36"
)

func (s screen) paint(colour, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// hintIfSlow tells the user of a terminal what is waited for, unless that comes
// soon: until then, or the end of the wait, what it returns is to be called.
func (s screen) hintIfSlow(text string) (stop func() bool) {
	const patience = 300 * time.Millisecond
	if !s.tty {
		return func() bool { return false }
	}
	return time.AfterFunc(patience, func() { fmt.Fprintln(s, s.paint(dim, text)) }).Stop
}

// width returns how many columns the terminal has.
func (s screen) width() int {
	if w, _, err := term.GetSize(int(s.Fd())); err == nil && w > 0 {
		return w
	}
	return 80
}

// inert returns text that does nothing to a terminal, whoever sent it: all that
// isn't printable, except the characters in keep, is spelled out.
func inert(text, keep string) string {
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

// table lays rows of cells out in columns; the first row is the heading. The
// last column is painted by the caller, if at all.
func table(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
