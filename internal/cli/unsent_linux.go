package cli

import "github.com/breezeway-ipc/breezeway/internal/sys"

// hasUnsent reports whether the other side's machine has not received all that was written.
func (c socketConn) hasUnsent() bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	n := 0
	raw.Control(func(fd uintptr) { n, _, _ = sys.Unread(int(fd)) })
	return n > 0
}
