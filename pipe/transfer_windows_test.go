package pipe

import (
	"errors"
	"net"
)

// isReset is never true: a reset shows as io.ErrClosedPipe or io.EOF.
func isReset(error) bool { return false }

func isNetClosed(err error) bool { return errors.Is(err, net.ErrClosed) }
