package cli

import (
	"runtime"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// backslashesAreText says that this system's paths have backslashes.
const backslashesAreText = runtime.GOOS == "windows"

// shellHint is how to have a shell run what a pipeline can't say.
var shellHint = map[bool]string{false: "sh -c '…'", true: `cmd /c "…"`}[backslashesAreText]

// shellText is a pipeline as a user has written it, and as a shell reads it. With
// backslashesAreText a backslash is a character like any other, except before a double
// quote, where programs of Windows parse their arguments so: 2n backslashes and a quote
// are n backslashes and a quote that opens or closes, 2n+1 are n and a quote that is
// text. Between single quotes everything is text.
type shellText struct {
	text, shell string
	origin      []int // where in text each byte of shell comes from, and its end
}

func readShellText(text string, backslashesAreText bool) *shellText {
	s := &shellText{text: text}
	double, single := false, false
	for i := 0; i < len(text); {
		n := countBackslashes(text[i:])
		switch {
		case n == 0 || single || !backslashesAreText:
			n = max(n, 1)
			double = double != (text[i] == '"' && !single)
			single = single != (text[i] == '\'' && !double)
			s.add(text[i:i+n], i)
		case i+n < len(text) && text[i+n] == '"':
			s.addBackslashes(n/2, double, i)
			if n%2 == 1 {
				s.add(`\"`, i+n)
				n++
			}
		default:
			s.addBackslashes(n, double, i)
		}
		i += n
	}
	s.origin = append(s.origin, len(text))
	return s
}

func countBackslashes(text string) int { return len(text) - len(strings.TrimLeft(text, `\`)) }

// addBackslashes adds n backslashes. Outside double quotes they are quoted, since an
// escaped one before a * or ? would keep that from being a pattern.
func (s *shellText) addBackslashes(n int, double bool, origin int) {
	switch {
	case double:
		s.add(strings.Repeat(`\\`, n), origin)
	case n > 0:
		s.add("'"+strings.Repeat(`\`, n)+"'", origin)
	}
}

func (s *shellText) add(shell string, origin int) {
	s.shell += shell
	for range len(shell) {
		s.origin = append(s.origin, origin)
	}
}

// character returns which byte of text a position in shell is, counted from 1.
func (s *shellText) character(at syntax.Pos) int {
	return s.origin[min(int(at.Offset()), len(s.origin)-1)] + 1
}
