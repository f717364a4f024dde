//go:build amd64 || arm64

package wait

// pause tells the processor n times, at least once, that it is spinning.
//
//go:noescape
func pause(n uint32)
