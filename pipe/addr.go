package pipe

// Addr is where a named pipe is found: the socket's path, or \\HOST\pipe\NAME
// on Windows.
type Addr string

// Network returns "pipe".
func (Addr) Network() string { return "pipe" }

func (a Addr) String() string { return string(a) }
