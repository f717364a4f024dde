package socket

import (
	"errors"
	"fmt"
)

var errNoDrain = fmt.Errorf("the system does not tell what a peer has not read yet; let it answer (%w)", errors.ErrUnsupported)

var errNoFiles = fmt.Errorf("open files are passed by Unix sockets on Linux only (%w)", errors.ErrUnsupported)
