package fail

import (
	"errors"
	"fmt"
)

// Go is a part of an error's text that names what a Go program writes, such as
// "Config.Trust". The user of the command ipc writes something else: see [Speak].
type Go string

// String returns g, or in the command what its user writes instead.
func (g Go) String() string {
	if words, ok := spoken[g]; ok {
		return words
	}
	return string(g)
}

// spoken has the words of the command; it is nil in every other program.
var spoken map[Go]string

// Speak makes errors name what the user of the command can do, with these words.
//
// Preconditions:
//   - it is called before the first error is made, and by the command only.
func Speak(words map[Go]string) { spoken = words }

// Errorf is [fmt.Errorf] for the variables of a package, which are made before
// [Speak] is called: it looks for the words when the text is asked for.
func Errorf(format string, args ...any) error { return &late{format, args} }

// late is an error whose text is made when it is asked for.
type late struct {
	format string
	args   []any
}

func (e *late) Error() string { return fmt.Errorf(e.format, e.args...).Error() }
func (e *late) Unwrap() error { return errors.Unwrap(fmt.Errorf(e.format, e.args...)) }
