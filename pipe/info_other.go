//go:build unix && !linux

package pipe

// socket is a listening Unix socket.
type socket struct {
	inode              string
	waiting, connected int
}

// listening returns nothing: this system doesn't list its sockets.
func listening() map[string]socket { return nil }
