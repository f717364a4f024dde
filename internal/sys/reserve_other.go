//go:build unix && !linux

package sys

import "os"

// Reserve makes f at least size bytes long, with storage for what is added.
func Reserve(f *os.File, size int64) error { return appendZeros(f, size) }
