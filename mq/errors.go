package mq

import "errors"

// ErrFull is returned by Send to a full queue that doesn't wait.
var ErrFull = errors.New("the queue is full; receive from it, or create it with a larger capacity")
