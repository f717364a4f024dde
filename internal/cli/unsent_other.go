//go:build !linux

package cli

// hasUnsent reports false: the system doesn't tell what has been received.
func (socketConn) hasUnsent() bool { return false }
