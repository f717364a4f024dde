package cli

import (
	"fmt"
	"os"
	"time"

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

// hintIfSlow tells the user of a terminal what is waited for, unless stop is called
// soon. Call stop at the end of the wait.
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
