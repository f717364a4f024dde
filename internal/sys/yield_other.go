//go:build !linux

package sys

// Yield does nothing here.
func Yield() {}
