//go:build !linux

package cli

import "testing"

// mostMemory returns 0: it is measured on Linux.
func mostMemory(testing.TB, int) int64 { return 0 }
