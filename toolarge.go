package breezeway

import "fmt"

// TooLargeError is the [ErrTooLarge] of a message: its size, and the limit that it
// exceeds, in bytes.
type TooLargeError struct {
	Size uint64 // as it was announced, or as it was given to Send
	Max  uint64
	// Peer says that the limit is the other side's, which told it when the connection
	// was made. Otherwise it is this side's.
	Peer bool
}

func (e *TooLargeError) Error() string {
	whose := "this side takes"
	if e.Peer {
		whose = "the other side takes"
	}
	return fmt.Sprintf("the message has %d bytes, %s %d (%v)", e.Size, whose, e.Max, ErrTooLarge)
}

// Is reports whether target is [ErrTooLarge].
func (e *TooLargeError) Is(target error) bool { return target == ErrTooLarge }
