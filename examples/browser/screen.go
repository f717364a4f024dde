package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// screen is a terminal whose upper part shows the tabs, and whose lower part what is
// typed and answered. Where there is no terminal it shows nothing.
type screen struct{ out io.Writer }

func newScreen(out io.Writer) *screen {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return new(screen)
	}
	_, height, err := term.GetSize(int(f.Fd()))
	if err != nil || height < viewLines+3 || takesEscapes(f) != nil {
		return new(screen)
	}
	// Clear it, and let only what is below the tabs scroll.
	top := viewLines + 2
	fmt.Fprintf(out, "\x1b[2J\x1b[%d;%dr\x1b[%d;1Htype help for the commands\n", top, height, top)
	return &screen{out}
}

// show draws the tabs; the cursor stays where it is. What is wider than the terminal is
// cut off, and not continued on the next line.
func (s *screen) show(b *browser) {
	if s.out != nil {
		fmt.Fprint(s.out, "\x1b7\x1b[?7l\x1b[H", b.view(), "\x1b[?7h\x1b8")
	}
}

// end makes the whole terminal scroll again.
func (s *screen) end() {
	if s.out != nil {
		fmt.Fprint(s.out, "\x1b7\x1b[r\x1b8")
	}
}
