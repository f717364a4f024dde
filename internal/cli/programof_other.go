//go:build !linux && !windows

package cli

// programOfProcess returns nothing: this system doesn't tell.
func programOfProcess(int) string { return "" }
