package rpc

import "net"

// isSameUser reports false: Windows doesn't tell the peer of a Unix socket.
func isSameUser(*net.UnixConn) bool { return false }
