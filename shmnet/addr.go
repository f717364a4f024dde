package shmnet

// Addr is where a server is found: the socket's path, or \\.\pipe\NAME on Windows.
type Addr string

// Network returns "shmnet".
func (Addr) Network() string { return "shmnet" }

func (a Addr) String() string { return string(a) }
