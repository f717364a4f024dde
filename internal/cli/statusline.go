package cli

import (
	"fmt"
	"sync"
)

// statusLine is a line of a terminal that is redrawn and finally erased. Its methods
// may be called concurrently.
type statusLine struct {
	screen screen

	mu     sync.Mutex
	drawn  bool
	closed bool
}

// eraseLine goes to the line's start and clears it.
const eraseLine = "\r\x1b[K"

// draw replaces the line.
func (l *statusLine) draw(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	runes := []rune(text)
	if width := l.screen.width() - 1; len(runes) > width {
		runes = append(runes[:width-1], '…')
	}
	fmt.Fprint(l.screen, eraseLine, l.screen.paint(dim, string(runes)))
	l.drawn = true
}

// during calls print, which writes to the same terminal if shared says so, with
// the line out of the way.
func (l *statusLine) during(shared bool, print func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if shared {
		l.erase()
	}
	print()
}

// close erases the line for good.
func (l *statusLine) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
	l.closed = true
}

func (l *statusLine) erase() {
	if l.drawn {
		fmt.Fprint(l.screen, eraseLine)
	}
	l.drawn = false
}
