package main

import (
	"errors"
	"os"
)

// reason is why a member goes: one word of the protocol, and an error whose text follows
// the member's name.
type reason string

const (
	reasonLeft    reason = "left"
	reasonLost    reason = "lost"    // it was killed, or broke off
	reasonSilent  reason = "silent"  // it said nothing for the time-out, not even that it is alive
	reasonSlow    reason = "slow"    // it doesn't read what the others say
	reasonGarbled reason = "garbled" // it sent what is no line of the protocol
	reasonClosing reason = "closing" // the server ends
)

var reasonTexts = map[reason]string{
	reasonLeft:    "has left",
	reasonLost:    "was lost",
	reasonSilent:  "timed out",
	reasonSlow:    "did not read what the others said",
	reasonGarbled: "sent what is not understood",
	reasonClosing: "had to go: the server closes the chat",
}

func (r reason) Error() string {
	if text, ok := reasonTexts[r]; ok {
		return text
	}
	return "has gone: " + string(r)
}

// reasonOf says what it means that a member's connection ended with err.
func reasonOf(err error) reason {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return reasonSilent
	case errors.Is(err, errLongLine):
		return reasonGarbled
	default:
		return reasonLost
	}
}
