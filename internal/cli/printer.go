package cli

import (
	"io"
	"strings"
	"time"
)

// printer prints what comes back, or what is received.
type printer struct {
	*streamFlags
	out     screen
	raw     bool
	kind    string // of event
	printed bool   // something was
	midLine bool   // on the terminal
}

// printAll prints what comes until the other side closes.
func (p *printer) printAll(next func() (unit, error)) error {
	for {
		u, err := next()
		if err == nil {
			err = p.print(u)
		}
		if err != nil {
			if failed := p.endLine(); err == io.EOF {
				return failed
			}
			return err
		}
	}
}

// print prints a unit.
func (p *printer) print(u unit) error {
	text := u.text
	switch {
	case p.json:
		e := event{Event: p.kind, Time: time.Now(), Split: u.split}
		e.setText(text)
		text = e.String()
	case p.raw || !p.out.tty:
		if p.lines && !u.split || p.message && !p.raw {
			text += "\n"
		}
	default:
		text = printable(strings.ReplaceAll(text, "\r\n", "\n"), "\t\n")
		if p.lines || p.message {
			text += "\n"
		}
		p.midLine = !strings.HasSuffix(text, "\n")
	}
	p.printed = true
	_, err := io.WriteString(p.out, text)
	return err
}

// endLine ends what has not ended its line on the terminal.
func (p *printer) endLine() (err error) {
	if p.midLine {
		_, err = io.WriteString(p.out, "\n")
	}
	p.midLine = false
	return err
}
