//go:build unix

package sys

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// HasFlock says whether there is flock(2).
const HasFlock = true

// OpenAnything are the flags to open what may turn out to be a FIFO or a
// terminal, without waiting for the other end or getting a controlling terminal.
const OpenAnything = unix.O_NONBLOCK | unix.O_NOCTTY

func (r Range) wholeFile() bool { return r.Offset == 0 && r.Length == 0 }

var errWholeFile = fmt.Errorf("flock(2) locks whole files, no ranges of them (%w)", errors.ErrUnsupported)
