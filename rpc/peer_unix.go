//go:build unix

package rpc

import (
	"net"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// isSameUser reports whether the system says that the peer is of this process's user, or root.
func isSameUser(c *net.UnixConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	uid := -1
	failed := raw.Control(func(fd uintptr) {
		p, unknown := sys.PeerOf(int(fd))
		if err = unknown; err == nil {
			uid = p.UID
		}
	})
	return failed == nil && err == nil && access.IsOwn(uid)
}
