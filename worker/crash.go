package worker

import (
	"fmt"
	"os"
	"strings"
)

// Crash is the error of a call whose worker died before it answered: by a panic, by
// os.Exit, for lack of memory, by a signal. What the function had done until then is not
// known; see [Func.Idempotent]. A call that the worker can't have begun with goes to another
// one instead, on Linux and Windows; elsewhere a pipe doesn't tell how much of it was read.
type Crash struct {
	Func   string           // the name of the function
	PID    int              // the worker
	State  *os.ProcessState // how it ended
	Stderr string           // the last lines that it wrote there, a panic's trace among them
	Why    error            // nil, or why this process killed it: what it did to the connection

	unbegun bool // the call, for certain: the worker had not read all of it
	ofKey   bool // the worker: what it kept is lost
	counted bool // the call is: it may be tried again before the pool is closed
}

// finish notes that the call ends with c, which may be nil.
func (c *Crash) finish(on Target) {
	if c != nil && c.counted {
		c.counted = false
		on.owner().finish()
	}
}

func (c *Crash) Error() string {
	text := fmt.Sprintf("worker %d died in %s: %v", c.PID, c.Func, c.State)
	if c.Why != nil {
		text += fmt.Sprintf(" (it was killed: %v)", c.Why)
	}
	if line := c.firstLine(); line != "" {
		text += ": " + line
	}
	return text
}

func (c *Crash) Unwrap() error { return c.Why }

// firstLine returns the line of Stderr that says most: that of a panic or a fatal error,
// or the last one.
func (c *Crash) firstLine() string {
	last := ""
	for line := range strings.Lines(c.Stderr) {
		line = strings.TrimSpace(line)
		if saysWhy(line) {
			return line
		}
		if line != "" {
			last = line
		}
	}
	return last
}

// saysWhy reports whether a line is the one that Go writes before the trace of a program
// that ends.
func saysWhy(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
}
