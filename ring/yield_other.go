//go:build !linux

package ring

import "runtime"

// yield lets another goroutine have this processor, if one waits for it.
func yield() { runtime.Gosched() }
