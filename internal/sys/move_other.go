//go:build !linux

package sys

// MoveAway does nothing here.
func MoveAway() {}
